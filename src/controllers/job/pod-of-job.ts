import type { Job } from '../../../generated/batch-v1.ts';
import type { Container, EnvVar, Pod } from '../../../generated/core-v1.ts';
import { jobKind } from '../../../generated/kinds.ts';
import { controllerReference } from '../../api/meta/owner-references.ts';
import type { NewObject } from '../../client/client.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import { trackingFinalizer } from './count-pods.ts';
import { failureCountAnnotation, failuresUpTo, ignoredFailureCountAnnotation } from './index-failures.ts';
import { indexKey } from './indexes.ts';

const indexVariable: EnvVar = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexKey}']` } },
};

/**
 * A pod of the Job, for one index if the Job has them.
 * @param replaced the index's last pod, which failed
 */
export function podOfJob(job: Job, index: number | undefined, replaced?: Pod): NewObject<Pod> {
  const pod = podFromTemplate(job.spec.template, job.metadata.name, controllerReference(job, jobKind));
  const finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const annotations: Record<string, string> = { ...pod.metadata.annotations, [indexKey]: `${index}` };
  if (job.spec.backoffLimitPerIndex !== undefined) {
    const { counted, ignored } = failuresUpTo(job, replaced);
    annotations[failureCountAnnotation] = `${counted}`;
    if (ignored > 0) annotations[ignoredFailureCountAnnotation] = `${ignored}`;
  }
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      finalizers,
      generateName: `${job.metadata.name}-${index}-`,
      labels: { ...pod.metadata.labels, [indexKey]: `${index}` },
      annotations,
    },
    spec: {
      ...pod.spec!,
      hostname: pod.spec?.hostname || `${job.metadata.name}-${index}`,
      containers: (pod.spec?.containers ?? []).map(withIndexVariable),
      ...(pod.spec?.initContainers ? { initContainers: pod.spec.initContainers.map(withIndexVariable) } : {}),
    },
  };
}

function withIndexVariable<C extends Container>(container: C): C {
  if (container.env?.some(({ name }) => name === indexVariable.name)) return container;
  return { ...container, env: [...(container.env ?? []), indexVariable] };
}
