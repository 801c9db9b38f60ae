// How long drivers take to answer, under upstream's name.
import { Histogram } from '../server/metrics/exposition.ts';

export interface CallLabels {
  readonly driver: string;
  /** `/csi.v1.Node/NodeStageVolume`. */
  readonly method: string;
  readonly code: number;
}

const bounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

const codes =
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'.split(
    ' ',
  );

/** Drivers beyond these are not told apart: names come from outside. */
const maxDrivers = 100;

export class CsiMetrics {
  readonly family = new Histogram(
    'csi_operations_seconds',
    '[ALPHA] Container Storage Interface operation duration with gRPC error code status total',
    bounds,
  );
  readonly #drivers = new Set<string>();

  observe({ driver, method, code }: CallLabels, seconds: number): void {
    if (this.#drivers.size < maxDrivers) this.#drivers.add(driver);
    this.family.observe(seconds, {
      driver_name: this.#drivers.has(driver) ? driver : 'other',
      grpc_status_code: codes[code] ?? 'Unknown',
      method_name: method,
      migrated: 'false',
    });
  }
}
