package reconcile

func (m *Machine) dumpCourse(...any) {}
func (m *Machine) dumpPass(...any)   {}
func (m *Machine) dumpLoad(...any)   {}
func (m *Machine) dumpVisit(...any)  {}
func (m *Machine) dumpNot(...any)    {}
