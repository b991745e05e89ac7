package shamir

// The field is GF(2^8) with the polynomial x^8+x^4+x^3+x+1, the one of AES and of Vault. Addition is XOR.
const polynomial = 0x1b

// mul multiplies two elements. The shape of the loop doesn't depend on its operands.
func mul(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= -(b & 1) & a
		a = a<<1 ^ -(a>>7)&polynomial
		b >>= 1
	}
	return product
}

// inverse returns 1/a. Every element but 0 satisfies a^255 = 1, so that a^254 is its inverse; 0 gives 0.
func inverse(a byte) byte {
	result, square := byte(1), a
	for range 7 {
		square = mul(square, square)
		result = mul(result, square)
	}
	return result
}
