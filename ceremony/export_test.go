package ceremony

// EveryEvent lets the tests walk over all events.
func EveryEvent() []Event { return events() }
