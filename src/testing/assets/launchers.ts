// Files that envtest takes for kube-apiserver, etcd and kubectl: shell scripts, so that `--help`, which envtest reads
// before every start, costs nothing.
import { accessSync, chmodSync, constants, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../../base/worker-url.ts';
import { apiServerFlags } from './apiserver-flags.ts';
import { etcdVersion } from './etcd.ts';
import { etcdFlags } from './etcd-flags.ts';
import type { FlagKind } from './flags.ts';

export interface LaidDown {
  readonly directory: string;
  /** What is there now: `kube-apiserver`, `etcd` and, when it was found, `kubectl`. */
  readonly files: readonly string[];
}

export interface LaunchersOptions {
  readonly directory: string;
  readonly kubernetesVersion: string;
  /** Absent: the first on the PATH. */
  readonly kubectl?: string;
}

/** Writes them; what is there already under these names is replaced. */
export function layDownLaunchers(options: LaunchersOptions): LaidDown {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const programs: Program[] = [
    {
      name: 'kube-apiserver',
      main: workerUrl('test-apiserver'),
      version: `Kubernetes ${options.kubernetesVersion}`,
      flags: apiServerFlags,
    },
    { name: 'etcd', main: workerUrl('test-etcd'), version: `etcd Version: ${etcdVersion}`, flags: etcdFlags },
  ];
  for (const program of programs) {
    const file = join(directory, program.name);
    rmSync(file, { force: true });
    writeFileSync(file, script(program));
    chmodSync(file, 0o755);
  }
  const kubectl = options.kubectl ?? findOnPath('kubectl', directory);
  if (kubectl) {
    const link = join(directory, 'kubectl');
    rmSync(link, { force: true });
    symlinkSync(resolve(kubectl), link);
  }
  return { directory, files: [...programs.map(({ name }) => name), ...(kubectl ? ['kubectl'] : [])] };
}

interface Program {
  readonly name: string;
  readonly main: URL;
  readonly version: string;
  readonly flags: ReadonlyMap<string, FlagKind>;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function script({ name, main, version, flags }: Program): string {
  return `#!/bin/sh
# ${name} for envtest, by Coracle: made by "coracle test-assets".
for arg in "$@"; do
  case $arg in
    -h|--help|--help=true)
      cat <<'HELP'
Coracle in the place of ${name}, for tests.

Usage:
  ${name} [flags]

Flags:
${help(flags)}
HELP
      exit 0 ;;
    --version|--version=true)
      echo ${quote(version)}
      exit 0 ;;
  esac
done
unset NODE_OPTIONS
exec ${quote(process.execPath)} --no-warnings ${quote(fileURLToPath(main))} "$@"
`;
}

const typeNames: Readonly<Record<FlagKind, string>> = {
  switch: '',
  text: ' string',
  integer: ' int',
  duration: ' duration',
  address: ' ip',
  list: ' strings',
  repeated: ' stringArray',
};

function help(flags: ReadonlyMap<string, FlagKind>): string {
  return [...flags]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, kind]) => `  ${name.length === 1 ? `-${name}, ` : '    '}--${name}${typeNames[kind]}`)
    .join('\n');
}

/** Not the one we have put there ourselves. */
function findOnPath(name: string, except: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder && resolve(folder) !== except);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // there, but not for us to start
  }
}
