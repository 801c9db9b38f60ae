// The DRA drivers of this node. What a driver announced in ResourceSlices goes away when it has been gone for a while, and when
// the agent starts: pods must not be sent here for devices that nobody can prepare.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { untilAborted } from '../../base/signals.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import type { PluginHandler, PluginInfo } from '../plugin-registration/plugin-handler.ts';
import { DraDriver } from './dra-driver.ts';

export interface DraDriversOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Deletes this node's slices of a driver, or of all. */
  readonly wipeSlices: (driver?: string) => Promise<void>;
  readonly onHealth: (driver: string, devices: readonly GrpcMessage[]) => void;
  /** Nobody tells of the health of its devices any more. */
  readonly onHealthLost: (driver: string) => void;
}

/** Long enough for a driver's pod to be replaced. */
const wipeDelayMs = 30_000;
const healthRetryMs = 5_000;
const maxWipeRetryMs = 300_000;

export class DraDrivers implements PluginHandler {
  readonly type = 'DRAPlugin';
  readonly #options: DraDriversOptions;
  /** By name, in the order in which they came: while a driver is replaced, there are two. */
  readonly #drivers = new Map<string, DraDriver[]>();
  readonly #wipes = new Map<string, Disposable>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: DraDriversOptions) {
    this.#options = options;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    this.#keep(this.#wipe(undefined));
    await untilAborted(signal);
    this.#stop.abort();
    for (const timer of this.#wipes.values()) timer[Symbol.dispose]();
    for (const driver of [...this.#drivers.values()].flat()) driver.close();
    await Promise.all(this.#running);
  }

  /** The one that came last, of those that are there if any is. @throws when there is none */
  get(name: string): DraDriver {
    const drivers = this.#drivers.get(name) ?? [];
    const driver = drivers.findLast(({ isConnected }) => isConnected) ?? drivers.at(-1);
    if (!driver) throw new Error(`DRA driver ${name} is not registered`);
    return driver;
  }

  register({ name, endpoint, supportedVersions }: PluginInfo): void {
    const others = this.#drivers.get(name) ?? [];
    if (others.some((each) => each.endpoint === endpoint))
      throw new Error(`endpoint ${endpoint} already registered for DRA driver plugin ${name}`);
    const driver = new DraDriver(name, endpoint, supportedVersions, () => this.#connectionChanged(name));
    this.#drivers.set(name, [...others, driver]);
    this.#connectionChanged(name);
    this.#keep(this.#followHealth(driver));
  }

  deregister({ name, endpoint }: PluginInfo): void {
    const drivers = this.#drivers.get(name) ?? [];
    drivers.find((each) => each.endpoint === endpoint)?.close();
    const left = drivers.filter((each) => each.endpoint !== endpoint);
    if (left.length > 0) this.#drivers.set(name, left);
    else this.#drivers.delete(name);
    this.#connectionChanged(name);
  }

  #keep(promise: Promise<void>): void {
    const kept = promise.finally(() => this.#running.delete(kept));
    this.#running.add(kept);
  }

  #connectionChanged(name: string): void {
    if (this.#stop.signal.aborted) return;
    const isUsable = this.#drivers.get(name)?.some(({ isConnected }) => isConnected) ?? false;
    const wipe = this.#wipes.get(name);
    if (isUsable) {
      wipe?.[Symbol.dispose]();
      this.#wipes.delete(name);
    } else if (!wipe) {
      const timer = this.#options.clock.timer(wipeDelayMs, () => {
        this.#wipes.delete(name);
        this.#keep(this.#wipe(name));
      });
      this.#wipes.set(name, timer);
    }
  }

  async #wipe(driver: string | undefined): Promise<void> {
    const { wipeSlices, clock, log } = this.#options;
    const { signal } = this.#stop;
    for (let waitMs = 1_000; !signal.aborted; waitMs = Math.min(waitMs * 2, maxWipeRetryMs)) {
      try {
        return await wipeSlices(driver);
      } catch (error) {
        log.debug('resource slices were not removed yet', { driver, problem: String(error) });
        await clock.sleep(waitMs, signal);
        // It came back meanwhile, and has written its own.
        if (driver && this.#drivers.get(driver)?.some(({ isConnected }) => isConnected)) return;
      }
    }
  }

  async #followHealth(driver: DraDriver): Promise<void> {
    const { clock, log, onHealth, onHealthLost } = this.#options;
    while (!driver.signal.aborted) {
      try {
        await driver.watchHealth((devices) => onHealth(driver.name, devices));
      } catch (error) {
        log.debug('a driver does not tell of the health of its devices', {
          driver: driver.name,
          problem: String(error),
        });
      }
      onHealthLost(driver.name);
      await clock.sleep(healthRetryMs, driver.signal);
    }
  }
}
