"""Runs of weir, with the kernel's account of them, for the benchmarks beside this file."""
import json, os, subprocess, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
WEIR = os.path.join(HERE, '..', '..', 'build', 'weir')
MINI_BATCH = ['table.exec.mini-batch.enabled=true', 'table.exec.mini-batch.allow-latency=2s',
              'table.exec.mini-batch.size=50000']


def cache(name):
    """The folder for data that is made once."""
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(os.environ.get('WEIR_CACHE') or os.path.join(home, 'weir'), name)


class Run:
    """One run of weir as a process: exit code, output, wall and CPU seconds."""

    def __init__(self, weir, text, settings, limit=3600):
        with tempfile.NamedTemporaryFile('w', suffix='.sql') as sql, tempfile.TemporaryFile('w+') as out:
            sql.write(text)
            sql.flush()
            command = ['timeout', '-s', 'KILL', str(limit), weir, 'run', '--stats', 'json']
            for setting in settings:
                command += ['-D', setting]
            start = time.monotonic()
            child = subprocess.Popen(command + [sql.name], stdout=out, stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)  # of timeout and of all that it waited for
            self.wall = time.monotonic() - start
            self.code = child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            self.output = out.read()
        self.cpu = usage.ru_utime + usage.ru_stime
        self.stats = {}
        for line in self.output.splitlines():
            if line.startswith('{'):
                try:
                    self.stats = json.loads(line)
                except ValueError:
                    pass
        # Not the kernel's account: that begins with what this process held when it forked.
        self.rss_mb = self.stats.get('resident_peak_bytes', 0) / 2**20

    def why(self):
        """The first line that tells why it failed."""
        if self.code == 137 or self.code == -9:
            return 'stopped: too slow'
        lines = [l.strip() for l in self.output.splitlines() if l.strip()]
        return (lines[0] if lines else f'exit code {self.code}')[:110]
