package store

// splitLogger is an engine that writes its store and its changelog apart, as record
// caches want it; those that package changelog makes can.
type splitLogger interface {
	putLogger
	Staged() Engine
	LogDelete(key []byte) error
}

// Staged is the store without its changelog; with LogPut and LogDelete it is for
// record caches, which write the two in orders of their own.
func (s *TTL) Staged() Engine {
	if split, ok := s.engine.(splitLogger); ok {
		return &unloggedTTL{TTL: s, staged: split.Staged()}
	}
	return s
}

// LogPut writes a Put to the changelog only, if there is one.
func (s *TTL) LogPut(key, value []byte) error {
	if split, ok := s.engine.(splitLogger); ok {
		return split.LogPut(s.at(key), value)
	}
	return nil
}

// LogDelete writes a Delete to the changelog only, if there is one.
func (s *TTL) LogDelete(key []byte) error {
	if split, ok := s.engine.(splitLogger); ok {
		return split.LogDelete(s.at(key))
	}
	return nil
}

// unloggedTTL is a store with a TTL whose writes are logged apart.
type unloggedTTL struct {
	*TTL
	staged Engine
}

func (u *unloggedTTL) Put(key, value []byte) error { return u.put(u.staged, key, value) }
func (u *unloggedTTL) Delete(key []byte) error     { return u.staged.Delete(u.at(key)) }
