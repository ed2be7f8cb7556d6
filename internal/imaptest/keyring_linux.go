package imaptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// The modes of StartKeyring.
const (
	KeyringUnlocked = "unlocked"
	KeyringLocked   = "locked"  // it has a collection, and nobody is there to unlock it
	KeyringAbsent   = "absent"  // a session bus without a Secret Service
	KeyringHanging  = "hanging" // a Secret Service that never answers
)

const secretService = "org.freedesktop.secrets"

// busConfig is a session bus that starts nothing by itself.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// KeyringAvailable tells why StartKeyring cannot do what it should here, or
// nil when it can.
func KeyringAvailable() error {
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("no keyring can be started here (run internal/realserver/install.sh as root on Debian): %w", err)
		}
	}
	return nil
}

// StartKeyring starts a session bus and a gnome-keyring of its own, with
// everything that they write below dir, which must be used for nothing else.
// env leads there. The caller calls stop; all ends with this process, too.
func StartKeyring(ctx context.Context, dir, mode string) (env []string, stop func(), err error) {
	if err := KeyringAvailable(); err != nil {
		return nil, nil, err
	}
	k := &keyring{dir: dir, socket: filepath.Join(dir, "bus")}
	defer func() {
		if err != nil {
			k.stop()
			err = fmt.Errorf("%w\n%s", err, k.log.String())
		}
	}()
	for _, folder := range []string{"home", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, nil, err
		}
	}
	k.env = append(os.Environ(), "HOME="+filepath.Join(dir, "home"), "XDG_DATA_HOME="+filepath.Join(dir, "home/.local/share"),
		"XDG_RUNTIME_DIR="+filepath.Join(dir, "run"), "DBUS_SESSION_BUS_ADDRESS=unix:path="+k.socket, "DISPLAY=", "WAYLAND_DISPLAY=")
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(busConfig, k.socket)), 0o600); err != nil {
		return nil, nil, err
	}
	if _, err := k.run("", "dbus-daemon", "--nofork", "--nopidfile", "--config-file="+config); err != nil {
		return nil, nil, err
	}
	if k.conn, err = k.dial(ctx); err != nil {
		return nil, nil, err
	}
	switch mode {
	case KeyringAbsent:
	case KeyringHanging:
		_, err = k.conn.RequestName(secretService, dbus.NameFlagDoNotQueue)
		k.conn.Eavesdrop(make(chan *dbus.Message)) // nobody reads what it is asked
	case KeyringUnlocked:
		_, err = k.daemon(ctx, "the test's password", "--unlock")
	case KeyringLocked:
		var first func()
		if first, err = k.daemon(ctx, "the test's password", "--unlock"); err == nil {
			first()
			_, err = k.daemon(ctx, "")
		}
	default:
		err = fmt.Errorf("no keyring is %q", mode)
	}
	if err != nil {
		return nil, nil, err
	}
	return []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + k.socket}, k.stop, nil
}

type keyring struct {
	dir, socket string
	env         []string
	conn        *dbus.Conn
	ends        []func()
	log         strings.Builder
}

func (k *keyring) stop() {
	if k.conn != nil {
		k.conn.Close()
	}
	for i := len(k.ends) - 1; i >= 0; i-- {
		k.ends[i]()
	}
}

// run starts a program, and returns what ends it. It ends with the thread that
// started it, which hence waits for it.
func (k *keyring) run(stdin, name string, args ...string) (end func(), err error) {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = k.env, k.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdin = strings.NewReader(stdin)
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	end = func() {
		cmd.Process.Kill()
		<-ended
	}
	k.ends = append(k.ends, end)
	return end, nil
}

// daemon starts gnome-keyring-daemon and waits until it can be asked.
func (k *keyring) daemon(ctx context.Context, password string, flags ...string) (end func(), err error) {
	end, err = k.run(password, "gnome-keyring-daemon", append([]string{"--foreground", "--components=secrets"}, flags...)...)
	if err != nil {
		return nil, err
	}
	return end, k.until(ctx, func() bool {
		if len(flags) == 0 { // the name may still be that of the one before
			var owned bool
			return k.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretService).Store(&owned) == nil && owned
		}
		collection := k.conn.Object(secretService, "/org/freedesktop/secrets/collection/login")
		locked, err := collection.GetProperty("org.freedesktop.Secret.Collection.Locked")
		return err == nil && locked.Value() == false
	})
}

// until asks again and again, for a few seconds at most.
func (k *keyring) until(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return errors.New("the keyring does not get ready")
		case <-tick.C:
		}
	}
	return nil
}

func (k *keyring) dial(ctx context.Context) (conn *dbus.Conn, err error) {
	uerr := k.until(ctx, func() bool {
		conn, err = dbus.Connect("unix:path=" + k.socket)
		return err == nil
	})
	if uerr != nil {
		return nil, errors.Join(uerr, err)
	}
	return conn, nil
}
