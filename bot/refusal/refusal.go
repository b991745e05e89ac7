package refusal

func (d Denial) Error() string { return string(d) }
