// How slices are found by the service they belong to.
import type { EndpointSlice } from '../../generated/discovery-v1.ts';
import { endpointSliceKind } from '../../generated/kinds.ts';
import type { Informer, InformerFactory } from '../reconcile/informer.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const byService = 'network-service';

/** `namespace/name` of the slice's service, in a list since it may have none. */
export function serviceOfSlice(slice: EndpointSlice): string[] {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name ? [`${slice.metadata.namespace}/${name}`] : [];
}

export interface SlicesByService {
  readonly informer: Informer<EndpointSlice>;
  of(serviceKey: string): readonly EndpointSlice[];
}

export function slicesByService(informers: InformerFactory): SlicesByService {
  const informer = informers.informer(endpointSliceKind);
  informer.addIndex(byService, serviceOfSlice);
  return { informer, of: (key) => informer.byIndex(byService, key) };
}
