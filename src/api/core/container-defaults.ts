// Defaults of containers of all three sorts.
import type {
  Container,
  EphemeralContainer,
  HTTPGetAction,
  Probe,
  ResourceRequirements,
} from '../../../generated/core-v1.ts';
import { millisOf } from '../meta/quantity.ts';
import { defaultPullPolicy } from './image-name.ts';
import { defaultResources } from './resource-defaults.ts';
import { defaultFieldRef } from './volume-defaults.ts';

export function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    defaultFieldRef(valueFrom?.fieldRef);
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  defaultResources(container.resources);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) defaultProbe(probe);
  defaultHttpGet(container.lifecycle?.postStart?.httpGet);
  defaultHttpGet(container.lifecycle?.preStop?.httpGet);
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultHttpGet(action: HTTPGetAction | undefined): void {
  if (!action) return;
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

/** What is limited and not requested is requested up to the limit. */
export function requestWhatIsLimited(resources: ResourceRequirements | undefined): void {
  const { limits } = resources ?? {};
  if (!limits || Object.keys(limits).length === 0) return;
  resources!.requests ??= {};
  for (const name in limits) resources!.requests[name] ??= limits[name]!;
}

/** Whether any amount in the list is more than nothing. */
export function hasAmount(list: Record<string, string> | undefined, name: string): boolean {
  return millisOf(list?.[name]) > 0;
}
