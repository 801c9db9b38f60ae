// Makes the API known: a Service in kube-system, its endpoint, the APIService that sends requests there.
import { apiServiceKind, endpointSliceKind, serviceKind } from '../../../generated/kinds.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { group, version } from './answers.ts';
import { metricsService } from './service.ts';

export interface PublishOptions {
  readonly client: Client;
  readonly address: string;
  readonly port: number;
  readonly ca: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const retryMs = 1_000;
const labels = { 'app.kubernetes.io/name': 'metrics-server', 'app.kubernetes.io/managed-by': 'coracle' };

/** Tries until it is done or the signal aborts. */
export async function publishMetricsApi(options: PublishOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await publish(options);
    } catch (error) {
      if (signal.aborted) return;
      options.log.warn('the metrics API could not be published yet', { problem: String(error) });
      await options.clock.sleep(retryMs, signal);
    }
  }
}

async function publish({ client, address, port, ca }: PublishOptions): Promise<void> {
  const { namespace, name } = metricsService;
  const services = client.resource(serviceKind);
  const ports = [{ name: 'https', port: 443, protocol: 'TCP' as const, targetPort: port }];
  const service = await services.find(metricsService);
  if (service?.spec?.selector) return; // another metrics server has been installed
  if (!service) await services.create({ metadata: { namespace, name, labels }, spec: { ports } }).catch(unlessThere);

  const slices = client.resource(endpointSliceKind);
  const slice = await slices.find(metricsService);
  const content = {
    addressType: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' as const }],
  };
  if (slice) {
    await slices.update({ ...slice, ...content });
  } else {
    const sliceLabels = {
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': 'metrics-server.coracle.dev',
    };
    await slices.create({ metadata: { namespace, name, labels: sliceLabels }, ...content });
  }

  const apiServices = client.resource(apiServiceKind);
  const key = { namespace: '', name: `${version}.${group}` };
  const spec = {
    group,
    version,
    service: { namespace, name, port: 443 },
    caBundle: Buffer.from(ca).toString('base64'),
    groupPriorityMinimum: 100,
    versionPriority: 100,
  };
  const current = await apiServices.find(key);
  if (!current) await apiServices.create({ metadata: { name: key.name, labels }, spec }).catch(unlessThere);
  else if (current.spec.caBundle !== spec.caBundle) await apiServices.update({ ...current, spec });
}

function unlessThere(error: unknown): void {
  if (!isAlreadyExists(error)) throw error; // another server was quicker
}
