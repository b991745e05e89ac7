package ceremony

// spoken checks what somebody has signed of what the journal says of them.
func (v *verifier) spoken(e Entry) {
	if approved, ok := e.Event.(Approved); ok {
		v.check(checkApprovals).Count++
		v.loose.pressed = append(v.loose.pressed, approved.By)
	}
}
