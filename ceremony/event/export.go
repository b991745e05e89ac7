package event

// EveryEvent lets the tests walk over all events.
func EveryEvent() []Event {
	var all []Event
	for _, row := range eventNames {
		all = append(all, row.zero)
	}
	return all
}
