//go:build unix

package regular

import "syscall"

// linksRefused are the flags by which the kernel opens no link, and waits for nobody at a
// pipe.
const linksRefused = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
