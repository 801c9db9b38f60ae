// A pod is given its node. The scheduler is the only one that should; the rules here hold for everybody.
import type { Binding, Pod } from '../../../generated/core-v1.ts';
import { badRequest, conflict, StatusError } from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { topologyLabels } from '../admission/plugins/pod-topology-labels.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { created } from './success.ts';

const expected = { group: '', version: 'v1', kind: 'Binding', typeName: 'io.k8s.api.core.v1.Binding' };

export const bindPod: SubresourceHandler = {
  group: '',
  resource: 'pods',
  subresource: 'binding',
  methods: ['POST'],
  async handle(request) {
    const binding = (await request.decode(expected)) as Binding;
    return bind(request, request.info.name, binding);
  },
};

/** The older form: a POST to the namespace's bindings, the pod's name in the body. */
export const createBinding: SubresourceHandler = {
  group: '',
  resource: 'bindings',
  subresource: '',
  methods: ['POST'],
  async handle(request) {
    const binding = (await request.decode(expected)) as Binding;
    binding.metadata.name ??= '';
    return bind(request, binding.metadata.name, binding);
  },
};

async function bind(request: SubresourceRequest, name: string, binding: Binding) {
  const complete = () => {
    if (binding.metadata.name !== name) throw badRequest('name in URL does not match name in Binding object');
    checkTarget(binding);
  };
  await request.admit({ operation: 'CREATE', object: binding, kind: expected, name, complete });
  if (!name) throw badRequest('Name parameter required.');
  const { info, user, isDryRun, clock } = request;
  const { uid, resourceVersion, annotations = {} } = binding.metadata;
  const labels = { ...binding.metadata.labels, ...topologyLabels(request.objects, binding.target.name!) };
  const refuse = (problem: string) => conflict({ group: '', name: 'pods/binding' }, name, `pod ${name} ${problem}`);
  await request.writer.update(
    request.resourceFor('', 'pods'),
    info.namespace,
    name,
    (current) => {
      const pod = current as Pod;
      const { metadata, spec } = pod;
      if (metadata.deletionTimestamp) throw refuse('is being deleted, cannot be assigned to a host');
      if (spec.nodeName) throw refuse(`is already assigned to node ${JSON.stringify(spec.nodeName)}`);
      if (spec.schedulingGates?.length) throw refuse('has non-empty .spec.schedulingGates');
      spec.nodeName = binding.target.name!;
      if (Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations };
      if (Object.keys(labels).length > 0) metadata.labels = { ...metadata.labels, ...labels };
      // It was where the pod was expected; now it is there.
      if (pod.status) delete pod.status.nominatedNodeName;
      markScheduled(pod, rfc3339(clock.now()));
      return pod;
    },
    {
      user,
      isDryRun,
      subresource: 'binding',
      skipsValidation: true,
      skipsAdmission: true,
      ...(uid ? { uidPrecondition: uid } : {}),
      ...(resourceVersion ? { resourceVersionPrecondition: resourceVersion } : {}),
    },
  );
  return created();
}

function checkTarget({ target }: Binding): void {
  const { kind, name } = target ?? {};
  const problems: string[] = [];
  if (kind && kind !== 'Node') {
    problems.push(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  }
  if (!name) problems.push('target.name: Required value');
  if (problems.length === 0) return;
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  // Upstream gives this error without a reason, and so with code 500; clients see it, so it stays.
  throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

function markScheduled(pod: Pod, now: string): void {
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now } as any;
  const conditions = pod.status?.conditions ?? [];
  const was = conditions.find(({ type }) => type === 'PodScheduled');
  const is = was?.status === 'True' ? was : scheduled;
  pod.status = {
    ...pod.status,
    conditions: was ? conditions.map((each) => (each === was ? is : each)) : [...conditions, is],
  };
}
