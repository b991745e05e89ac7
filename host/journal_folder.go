package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// TrustedJournal returns an error when an account other than this one, its group and root
// can have written what lies in the journal's folder. An approval by a button is one line
// there, without a signature. It returns nil when the folder is not there yet: the first
// start makes it.
func TrustedJournal(dir Path) error {
	return journalTrustedBy(filepath.Clean(string(dir)), os.Geteuid())
}

// journalTrustedBy is [TrustedJournal] for an account.
func journalTrustedBy(dir string, uid int) error {
	if runtime.GOOS == "windows" {
		return nil // it keeps rights elsewhere
	}
	if err := notReplaceable(dir, "another folder in the journal's place"); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&os.ModeSymlink != 0:
		target, err := filepath.EvalSymlinks(dir)
		return errors.Join(fmt.Errorf("%s is a symbolic link, which can be pointed elsewhere: "+
			"have journal.directory name the folder itself, %s", dir, target), err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	}
	if err := oursAlone(dir, "-R ", info, uid); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".jsonl" && f.Name() != ".lock" {
			continue
		}
		path := filepath.Join(dir, f.Name())
		switch info, err := f.Info(); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.Mode()&os.ModeSymlink != 0:
			return linkInJournal(path)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is not a regular file: find out who has made it, and take it out of the journal", path)
		default:
			if err := oursAlone(path, "", info, uid); err != nil {
				return err
			}
		}
	}
	return nil
}

// notReplaceable returns an error when everybody on this machine may put something else in
// the place of a path. what names that. It returns nil when the folder above is not there.
func notReplaceable(path, what string) error {
	above, err := os.Stat(filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case above.Mode()&os.ModeSticky == 0 && writtenByAll(above):
		return fmt.Errorf("%s has mode %04o, which lets everybody on this machine put %s: chmod o-w %s",
			filepath.Dir(path), above.Mode().Perm(), what, shellWord(filepath.Dir(path)))
	}
	return nil
}

// TrustedMarks returns an error when an account other than this one, its group and root can
// have written the file of marks. Who can take it away can hide that the journal is an older
// copy. It returns nil when the file is not there.
func TrustedMarks(path Path) error { return marksTrustedBy(filepath.Clean(string(path)), os.Geteuid()) }

// marksTrustedBy is [TrustedMarks] for an account.
func marksTrustedBy(path string, uid int) error {
	if runtime.GOOS == "windows" {
		return nil // it keeps rights elsewhere
	}
	if err := notReplaceable(path, "another file in the place of the marks, or none"); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: find out who has made it, then: rm %s", path, shellWord(path))
	}
	return oursAlone(path, "", info, uid)
}

// linkInJournal returns the error of a symbolic link in the journal's folder.
func linkInJournal(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%s is a symbolic link to nothing: find out who has made it, then: rm %s",
			path, shellWord(path))
	}
	return fmt.Errorf("%s is a symbolic link, which can be pointed elsewhere: find out who has made it, "+
		"then put the file itself there: mv %s %s", path, shellWord(target), shellWord(path))
}

// oursAlone returns an error when another account can write a part of the journal. The
// error names the account, and the command after which it can't. all is a flag of that
// command, "-R " for a folder.
func oursAlone(path, all string, info fs.FileInfo, uid int) error {
	if owner, known := ownerOf(info); known && owner != uid && owner != 0 {
		return fmt.Errorf("%s belongs to %s, who can write what ceremonies follow, and Conclave runs as %s: "+
			"run it as %[2]s, or see that nothing was added, then: chown %[4]s%[3]s %[5]s",
			path, accountName(owner), accountName(uid), all, shellWord(path))
	}
	if writtenByAll(info) {
		return fmt.Errorf("%s has mode %04o, which lets everybody on this machine write what ceremonies follow: "+
			"see that nothing was added, then: chmod %so-w %s", path, info.Mode().Perm(), all, shellWord(path))
	}
	return nil
}

// accountName returns an account as chown takes it.
func accountName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// shellWord returns a path, quoted for a shell where it must be.
func shellWord(path string) string {
	if plainWord.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
