// Plugins of devices, in this process: they speak over real sockets and do what a test tells them.
import { join } from 'node:path';
import { devicePluginService, deviceRegistrationService } from '../devices/device-proto.ts';
import { driverServices, type PreparedDevice } from '../dra/dra-proto.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import { connectUnix } from '../grpc/unix-client.ts';
import { type StreamHandler, serveUnix, type UnaryHandler } from '../grpc/unix-server.ts';
import { registrationService } from '../plugin-registration/registration-proto.ts';

/** Looks until it is so; a test that waits for ever is ended by its runner. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

export interface FakeDevice {
  readonly ID: string;
  readonly health: string;
  readonly topology?: { readonly nodes: readonly { readonly ID: number }[] };
}

export class FakeDevicePlugin implements AsyncDisposable {
  readonly calls: { readonly method: string; readonly request: GrpcMessage }[] = [];
  readonly folder: string;
  readonly resource: string;
  preStartRequired = false;
  preferred: string[] | undefined;
  allocate: UnaryHandler = ({ containerRequests }) => ({
    containerResponses: [{ envs: { DEVICES: containerRequests[0].devicesIds.join(',') } }],
  });
  #devices: readonly FakeDevice[];
  #send: ((message: object) => void) | undefined;
  #server: AsyncDisposable | undefined;

  constructor(folder: string, resource: string, devices: readonly FakeDevice[]) {
    this.folder = folder;
    this.resource = resource;
    this.#devices = devices;
  }

  get socket(): string {
    return `${this.resource.replace('/', '-')}.sock`;
  }

  async serve(): Promise<void> {
    const list: StreamHandler = async (_, send, signal) => {
      this.#send = send;
      send({ devices: this.#devices });
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const noted =
      (method: string, answer: UnaryHandler): UnaryHandler =>
      (request) => {
        this.calls.push({ method, request });
        return answer(request);
      };
    this.#server = await serveUnix({
      socketPath: join(this.folder, this.socket),
      services: [
        {
          service: devicePluginService,
          streams: { ListAndWatch: list },
          unary: {
            GetDevicePluginOptions: () => ({
              preStartRequired: this.preStartRequired,
              getPreferredAllocationAvailable: this.preferred !== undefined,
            }),
            Allocate: noted('Allocate', (request) => this.allocate(request)),
            GetPreferredAllocation: noted('GetPreferredAllocation', () => ({
              containerResponses: [{ deviceIDs: this.preferred }],
            })),
            PreStartContainer: noted('PreStartContainer', () => ({})),
          },
        },
      ],
    });
  }

  /** @throws with the agent's words */
  async register(changes: object = {}): Promise<void> {
    const agent = connectUnix(join(this.folder, 'kubelet.sock'), deviceRegistrationService);
    try {
      const request = { version: 'v1beta1', endpoint: this.socket, resourceName: this.resource, ...changes };
      await agent.call('Register', request, { timeoutMs: 30_000 });
    } finally {
      agent.close();
    }
  }

  tell(devices: readonly FakeDevice[]): void {
    this.#devices = devices;
    this.#send?.({ devices });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

/** A DRA driver with its registration, on one socket. */
export class FakeDraDriver implements AsyncDisposable {
  readonly calls: string[] = [];
  /** What the agent said to its registration. */
  readonly statuses: GrpcMessage[] = [];
  /** By name of a claim; a string is an error. */
  answer: (claim: string) => Partial<PreparedDevice>[] | string = () => [];
  readonly #server: AsyncDisposable;

  private constructor(serve: (driver: FakeDraDriver) => AsyncDisposable) {
    this.#server = serve(this);
  }

  static async start(socketPath: string, name: string, versions: readonly string[]): Promise<FakeDraDriver> {
    const self: { driver?: FakeDraDriver } = {};
    const each =
      (verb: string, answerOf: (claim: string) => object): UnaryHandler =>
      ({ claims }) => ({
        claims: Object.fromEntries(
          claims.map((claim: GrpcMessage) => {
            self.driver!.calls.push(`${verb} ${claim.name}`);
            return [claim.uid, answerOf(claim.name)];
          }),
        ),
      });
    const prepared = (claim: string): object => {
      const answer = self.driver!.answer(claim);
      return typeof answer === 'string' ? { error: answer } : { devices: answer };
    };
    const server = await serveUnix({
      socketPath,
      services: [
        {
          service: registrationService,
          unary: {
            GetInfo: () => ({ type: 'DRAPlugin', name, endpoint: '', supportedVersions: versions }),
            NotifyRegistrationStatus(status) {
              self.driver?.statuses.push(status);
              return {};
            },
          },
        },
        ...[...driverServices.values()].map((service) => ({
          service,
          unary: {
            NodePrepareResources: each('prepare', prepared),
            NodeUnprepareResources: each('unprepare', () => ({})),
          },
        })),
      ],
    });
    self.driver = new FakeDraDriver(() => server);
    return self.driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
