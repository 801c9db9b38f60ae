// Hears of the machine's shutdown from systemd-logind, and holds it up while pods end. systemd's own programs speak to it:
// `systemd-inhibit` holds the lock as long as its child lives, `busctl` tells of the signal.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';

export interface LogindOptions {
  /** Seconds the machine is asked to wait. */
  readonly seconds: number;
  /** Settles when the machine may go down. */
  readonly onShutdown: () => Promise<void>;
  readonly onCancel: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly configFile?: string;
}

const manager = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'];
const signalMatch = "type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForShutdown'";
const defaultConfigFile = '/etc/systemd/logind.conf.d/99-kubelet.conf';
const retryMs = 1_000;
const longestRetryMs = 300_000;

/** Until the signal; without logind it says so and ends. */
export async function followLogind(options: LogindOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  if ((await inhibitDelaySeconds()) === undefined) {
    log.info('there is no systemd-logind: nobody tells of the shutdown of this machine');
    return;
  }
  for (let waitMs = retryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    await ensureDelay(options).catch((error) =>
      log.warn('systemd-logind does not wait as long as pods may need', { error: String(error) }),
    );
    await watchOnce(options, signal);
    await clock.sleep(waitMs, signal);
  }
}

async function watchOnce({ onShutdown, onCancel, log }: LogindOptions, signal: AbortSignal): Promise<void> {
  let lock: ChildProcess | undefined = inhibit(signal);
  const monitor = spawn('busctl', ['monitor', '--json=short', `--match=${signalMatch}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
  });
  monitor.on('error', () => {});
  try {
    for await (const line of createInterface({ input: monitor.stdout! })) {
      const isGoingDown = shutdownIn(line);
      if (isGoingDown === undefined) continue;
      log.warn('systemd-logind tells of a shutdown', { isGoingDown });
      if (isGoingDown) {
        await onShutdown();
        lock?.kill();
        lock = undefined;
      } else {
        onCancel();
        lock ??= inhibit(signal);
      }
    }
  } catch (error) {
    if (!signal.aborted) log.debug('systemd-logind is not heard', { error: String(error) });
  } finally {
    lock?.kill();
    monitor.kill();
  }
}

function inhibit(signal: AbortSignal): ChildProcess {
  const argv = ['--what=shutdown', '--mode=delay', '--who=coracle', '--why=Pods need time to end', 'sleep', 'infinity'];
  const lock = spawn('systemd-inhibit', argv, { stdio: 'ignore', signal });
  lock.on('error', () => {});
  return lock;
}

/** The one argument of PrepareForShutdown; undefined for a line about something else. */
export function shutdownIn(line: string): boolean | undefined {
  try {
    const { member, payload } = JSON.parse(line) as { member?: string; payload?: { data?: unknown[] } };
    const value = member === 'PrepareForShutdown' ? payload?.data?.[0] : undefined;
    return typeof value === 'boolean' ? value : undefined;
  } catch {
    return undefined;
  }
}

function busctl(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('busctl', args, { timeout: 5_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

/** How long logind waits for those that hold a lock. */
async function inhibitDelaySeconds(): Promise<number | undefined> {
  const text = await busctl('get-property', ...manager, 'InhibitDelayMaxUSec').catch(() => undefined);
  const micros = /^t (\d+)/.exec(text ?? '')?.[1];
  return micros === undefined ? undefined : Number(micros) / 1e6;
}

async function ensureDelay({ seconds, clock, configFile = defaultConfigFile }: LogindOptions): Promise<void> {
  const isEnough = async () => ((await inhibitDelaySeconds()) ?? 0) >= seconds;
  if (await isEnough()) return;
  await mkdir(dirname(configFile), { recursive: true, mode: 0o755 });
  await writeFile(configFile, `# Written by coracle: pods need time to end.\n[Login]\nInhibitDelayMaxSec=${seconds}\n`);
  const systemd = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
  await busctl('call', ...systemd, 'KillUnit', 'ssi', 'systemd-logind.service', 'all', '1');
  for (let waitMs = 100; waitMs <= 1600; waitMs *= 2) {
    if (await isEnough()) return;
    await clock.sleep(waitMs);
  }
  throw new Error(`InhibitDelayMaxSec did not become ${seconds}`);
}
