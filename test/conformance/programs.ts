// The suite's programs, unmodified, from the Go modules that programs/*/go.mod pin. Go's own cache makes a second build
// a matter of seconds; the first takes a quarter of an hour.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.ts';
import { places } from './places.ts';

interface Program {
  readonly name: string;
  /** Folder in programs/ with the module that pins it. */
  readonly module: 'kubernetes' | 'etcd' | 'containerd';
  readonly package: string;
  /** `go test -c` instead of `go build`. */
  readonly isTest?: boolean;
  /** Runs in an image, where there is no libc. */
  readonly isStatic?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
}

const kubernetes = 'k8s.io/kubernetes';
const version = { 'k8s.io/component-base/version.gitVersion': 'v1.36.3' };
const containerdVersion = { 'github.com/containerd/containerd/v2/version.Version': 'v2.2.1' };
const containerd = (name: string): Program => {
  const path = `github.com/containerd/containerd/v2/cmd/${name}`;
  return { name, module: 'containerd', package: path, isStatic: true, variables: containerdVersion };
};

const all: readonly Program[] = [
  { name: 'e2e.test', module: 'kubernetes', package: `${kubernetes}/test/e2e`, isTest: true, variables: version },
  { name: 'ginkgo', module: 'kubernetes', package: 'github.com/onsi/ginkgo/v2/ginkgo' },
  { name: 'kubectl', module: 'kubernetes', package: `${kubernetes}/cmd/kubectl`, variables: version },
  { name: 'agnhost', module: 'kubernetes', package: `${kubernetes}/test/images/agnhost`, isStatic: true },
  { name: 'nnp', module: 'kubernetes', package: `${kubernetes}/test/images/nonewprivs`, isStatic: true },
  { name: 'sample-apiserver', module: 'kubernetes', package: 'k8s.io/sample-apiserver', isStatic: true },
  { name: 'etcd', module: 'etcd', package: 'go.etcd.io/etcd/server/v3', isStatic: true },
  ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map(containerd),
];

/** Builds what is missing or was made from other versions. */
export async function ensurePrograms(): Promise<void> {
  const stampFile = join(places.programs, 'stamp');
  const stamp = digest();
  const isFresh = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  for (const program of all) {
    const out = join(places.programs, program.name);
    if (isFresh && existsSync(out)) continue;
    await requireGo();
    const started = performance.now();
    await build(program, out);
    console.log(`built ${program.name} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  writeFileSync(stampFile, stamp);
}

/** Where Go's own installer puts it, if it is not on PATH. */
const goPath = `${process.env['PATH']}:/usr/local/go/bin`;

async function requireGo(): Promise<void> {
  await command('go', ['version'], { env: { PATH: goPath } }).catch(() => {
    throw new Error('the suite is built with Go 1.26 or newer, which is not on PATH: https://go.dev/dl');
  });
}

async function build(program: Program, out: string): Promise<void> {
  const cwd = join(import.meta.dirname, 'programs', program.module);
  const flags = Object.entries(program.variables ?? {}).map(([name, value]) => ` -X ${name}=${value}`);
  const verb = program.isTest ? ['test', '-c'] : ['build'];
  const args = ['-n', '10', 'go', ...verb, '-ldflags', `-s -w${flags.join('')}`, '-o', out, program.package];
  const env = { CGO_ENABLED: program.isStatic ? '0' : '1', PATH: goPath };
  await command('nice', args, { cwd, env });
}

/** Changes with the versions of the modules and with how they are built. */
function digest(): string {
  const hash = createHash('sha256').update(JSON.stringify(all));
  for (const module of ['kubernetes', 'etcd', 'containerd'])
    hash.update(readFileSync(join(import.meta.dirname, 'programs', module, 'go.sum')));
  return hash.digest('hex');
}
