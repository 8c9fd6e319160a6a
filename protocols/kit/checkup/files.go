package checkup

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Bounds of what is well.
const (
	fullShare  = 0.05      // of a disk that is free: below, it counts as full
	lowShare   = 0.15      // below, it counts as low
	leastBytes = 512 << 20 // free bytes below which a disk of any size counts as full
	certSoon   = 30 * 24 * time.Hour
)

// Common is what the checks of this package can find.
var Common = Catalogue{
	"disk-full": {Wrong, Words{"The disk of %[1]s has %[2]s left (%[3]d%%).", "%[1]s 所在磁盘仅剩 %[2]s（%[3]d%%）。"},
		Words{"Make room now: remove what is not needed, or use a larger disk. Nothing of this program's folder may be deleted by hand.", "请立即腾出空间：删除无关文件或换更大的磁盘。切勿手工删除本程序的数据。"}},
	"disk-low": {Warning, Words{"The disk of %[1]s has %[2]s left (%[3]d%%).", "%[1]s 所在磁盘剩余 %[2]s（%[3]d%%）。"},
		Words{"Plan a larger disk or a shorter retention.", "请计划扩容，或缩短保存期限。"}},
	"inodes-low": {Warning, Words{"The disk of %[1]s has room for only %[2]d more files.", "%[1]s 所在磁盘只能再创建 %[2]d 个文件。"},
		Words{"Remove small files that are not needed, or format the disk with more inodes.", "请删除无用的小文件，或以更多 inode 重新格式化。"}},
	"disk-unknown": {Wrong, Words{"The disk of %[1]s could not be looked at: %[2]s.", "无法查看 %[1]s 所在磁盘：%[2]s。"},
		Words{"See that the folder exists and that its disk is mounted.", "请确认目录存在、磁盘已挂载。"}},
	"folder-missing": {Wrong, Words{"The folder %[1]s is not there.", "目录 %[1]s 不存在。"},
		Words{"Start the program once: it makes its folder; or correct the path in the configuration.", "请先启动程序一次以创建目录，或更正配置中的路径。"}},
	"folder-open": {Wrong, Words{"Every account of this machine can read or write in %[1]s (mode %[2]s).", "本机任何账户都能读写 %[1]s（权限 %[2]s）。"},
		Words{"chmod o-rwx %[1]s", "chmod o-rwx %[1]s"}},
	"secret-open": {Wrong, Words{"Every account of this machine can read the secret in %[1]s (mode %[2]s).", "本机任何账户都能读取 %[1]s 中的密钥（权限 %[2]s）。"},
		Words{"chmod o-rwx %[1]s, and replace the secret if somebody else may have read it.", "执行 chmod o-rwx %[1]s；若可能已被他人读取，请更换该密钥。"}},
	"secret-missing": {Wrong, Words{"The secret in %[1]s cannot be read: %[2]s.", "无法读取 %[1]s 中的密钥：%[2]s。"},
		Words{"Put the secret there, readable by the account that runs the program.", "请放置该密钥文件，并让运行账户可读。"}},
	"cert-ended": {Wrong, Words{"The certificate %[1]s ended on %[2]s.", "证书 %[1]s 已于 %[2]s 到期。"},
		Words{"Put a new certificate in its place; it is read again without a restart.", "请换上新证书；程序会自动重新读取，无需重启。"}},
	"cert-ending": {Warning, Words{"The certificate %[1]s ends on %[2]s.", "证书 %[1]s 将于 %[2]s 到期。"},
		Words{"Make the next one now; it is read again without a restart.", "请立即更新证书；程序会自动重新读取，无需重启。"}},
	"cert-early": {Wrong, Words{"The certificate %[1]s holds only from %[2]s on.", "证书 %[1]s 从 %[2]s 起才生效。"},
		Words{"See that the clock of this machine is right.", "请核对本机时钟。"}},
}

// Room is what a disk can still take.
type Room struct {
	Free, All        uint64 // bytes, those that are free for this account
	FilesFree, Files uint64 // inodes; 0 of 0: the file system does not count them
}

// RoomOf asks the file system that a folder is on.
func RoomOf(folder string) (Room, error) {
	var d syscall.Statfs_t
	if err := syscall.Statfs(folder, &d); err != nil {
		return Room{}, err
	}
	size := uint64(d.Bsize)
	return Room{Free: d.Bavail * size, All: d.Blocks * size, FilesFree: d.Ffree, Files: d.Files}, nil
}

// Disk looks at the disk of a folder by room, which is [RoomOf] but in tests: bytes and files that it can still take.
func Disk(s *Sheet, folder string, room func(folder string) (Room, error)) {
	r, err := room(folder)
	if err != nil {
		s.Find("disk-unknown", folder, err)
		return
	}
	share := float64(r.Free) / max(float64(r.All), 1)
	switch {
	case share < fullShare || r.Free < leastBytes:
		s.Find("disk-full", folder, Bytes(r.Free), int(share*100))
	case share < lowShare:
		s.Find("disk-low", folder, Bytes(r.Free), int(share*100))
	}
	if r.Files > 0 && float64(r.FilesFree) < float64(r.Files)*fullShare {
		s.Find("inodes-low", folder, r.FilesFree)
	}
}

// Bytes is a number of bytes for people, as in "3.2 GiB".
func Bytes(n uint64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	for value >= step && unit < 4 {
		value, unit = value/step, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[unit-1])
}

// others are the permissions of accounts that are neither the owner nor of its group.
const others fs.FileMode = 0o007

// Permissions looks at a program's folder and at the files of its secrets, see [Folder] and [Secret].
func Permissions(s *Sheet, folder string, secrets []string) {
	Folder(s, folder)
	for _, file := range secrets {
		Secret(s, file)
	}
}

// Folder looks whether a folder is there and closed to other accounts.
func Folder(s *Sheet, folder string) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir():
		s.Find("folder-missing", folder)
	case err != nil:
		s.Find("disk-unknown", folder, err)
	case info.Mode().Perm()&others != 0 && reachable(folder):
		s.Find("folder-open", folder, fmt.Sprintf("%04o", info.Mode().Perm()))
	}
}

// Secret looks whether a file with a secret is there and closed to other accounts. Its content is not read.
func Secret(s *Sheet, file string) {
	f, err := os.Open(file)
	if err != nil {
		s.Find("secret-missing", file, reason(err))
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&others != 0 && reachable(filepath.Dir(file)) {
		s.Find("secret-open", file, fmt.Sprintf("%04o", info.Mode().Perm()))
	}
}

// reachable says whether other accounts can come as far as into a folder: each folder on the way lets them pass.
func reachable(folder string) bool {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return true
	}
	for {
		if info, err := os.Stat(absolute); err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(absolute)
		if parent == absolute {
			return true
		}
		absolute = parent
	}
}

// reason is what an error of the file system says without the path, which stands beside it.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// Dates judges when a certificate holds; name is what it is called to people.
func Dates(s *Sheet, name string, c *x509.Certificate, now time.Time) {
	const day = "2006-01-02"
	switch {
	case now.After(c.NotAfter):
		s.Find("cert-ended", name, c.NotAfter.Format(day))
	case now.Before(c.NotBefore):
		s.Find("cert-early", name, c.NotBefore.Format(day))
	case c.NotAfter.Sub(now) < certSoon && c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/2:
		s.Find("cert-ending", name, c.NotAfter.Format(day))
	}
}

// Join puts catalogues together.
func Join(books ...Catalogue) Catalogue {
	out := Catalogue{}
	for _, b := range books {
		for code, e := range b {
			out[code] = e
		}
	}
	return out
}
