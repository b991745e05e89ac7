package paste

import "encoding/base64"

// Checksum returns armor's CRC-24 of data, in base64 (RFC 4880, section 6.1).
func Checksum(data []byte) string {
	const initial, polynomial = 0xb704ce, 0x1864cfb
	crc := uint32(initial)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= polynomial
			}
		}
	}
	return base64.StdEncoding.EncodeToString([]byte{byte(crc >> 16), byte(crc >> 8), byte(crc)})
}
