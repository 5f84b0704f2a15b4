package keyenc

// Versioned stores keep two rows a version: the version itself, under its key, and
// one in a time index, which tells the store's stream time and what has expired.
// The index is in front of all keys: no escaped key begins with two zero bytes.

const versionSuffix = 8 // the version's time

// indexPrefix is what the keys of the index begin with, and indexEnd what is above.
const (
	indexPrefix = "\x00\x00"
	indexHead   = len(indexPrefix) + 8
)

// AppendVersion appends the local key of the version of key as of ts, in ms.
func AppendVersion(dst, key []byte, ts int64) []byte {
	return AppendInt64(AppendEscaped(dst, key), ts)
}

// AppendVersionsEnd appends the lowest local key above all versions of key.
func AppendVersionsEnd(dst, key []byte) []byte {
	dst = AppendEscaped(dst, key)
	dst[len(dst)-1]++ // the terminator; its successor is no escape
	return dst
}

// SplitVersion takes the local key of a version apart; the plain key is appended to
// dst.
func SplitVersion(dst, b []byte) (key []byte, ts int64, err error) {
	key, rest, err := AppendUnescaped(dst, b)
	if err == nil && len(rest) != versionSuffix {
		err = ErrMalformed
	}
	if err != nil {
		return key, 0, err
	}
	return key, Int64(rest), nil
}

// VersionTime is the time of a version's local key, 0 if it is none.
func VersionTime(b []byte) int64 {
	if len(b) < versionSuffix {
		return 0
	}
	return Int64(b[len(b)-versionSuffix:])
}

// AppendVersionIndex appends the index's key of a version.
func AppendVersionIndex(dst []byte, ts int64, key []byte) []byte {
	return append(AppendInt64(append(dst, indexPrefix...), ts), key...)
}

// SplitVersionIndex takes a key of the index apart. The plain key is a part of b.
func SplitVersionIndex(b []byte) (ts int64, key []byte, err error) {
	if len(b) < indexHead || !IsVersionIndex(b) {
		return 0, nil, ErrMalformed
	}
	return Int64(b[len(indexPrefix):]), b[indexHead:], nil
}

// IsVersionIndex tells the index from the versions.
func IsVersionIndex(b []byte) bool {
	return len(b) >= len(indexPrefix) && string(b[:len(indexPrefix)]) == indexPrefix
}

// VersionIndexEnd is the lowest local key above the index, and below all versions.
func VersionIndexEnd() []byte { return []byte{zero, terminator} }
