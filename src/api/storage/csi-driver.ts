import type { CSIDriver, TokenRequest } from '../../../generated/storage-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';

function validateTokens(requests: readonly TokenRequest[], at: FieldPath, errors: FieldErrors): void {
  requests.forEach(({ audience, expirationSeconds }, index) => {
    const place = at.index(index);
    if (requests.findIndex((each) => each.audience === audience) !== index)
      errors.duplicate(place.child('audience'), audience);
    if (expirationSeconds === undefined) return;
    const seconds = Number(expirationSeconds);
    if (seconds < 600)
      errors.invalid(place.child('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > 2 ** 32)
      errors.invalid(place.child('expirationSeconds'), seconds, 'may not specify a duration larger than 2^32 seconds');
  });
}

const flag = (name: string, description: string, cell: (object: CSIDriver) => boolean | undefined) =>
  ({ name, type: 'boolean', description, cell: (object: CSIDriver) => cell(object) ?? false }) as const;

const tokensInSecretsWarning =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

export const csiDriverKind: KindDefinition<CSIDriver> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  allowsUnconditionalUpdate: false,
  returnsDeletedObject: true,
  defaults(object) {
    object.spec ??= {};
    const { spec } = object;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
  },
  // Behind a gate that is off.
  prepareForCreate: ({ spec }) => void delete spec.preventPodSchedulingIfMissing,
  prepareForUpdate(next, current) {
    if (current.spec.preventPodSchedulingIfMissing === undefined) delete next.spec.preventPodSchedulingIfMissing;
    if (!isEqual(next.spec, current.spec)) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  },
  validate({ spec }, errors) {
    validateTokens(spec.tokenRequests ?? [], path('spec', 'tokenRequests'), errors);
    for (const mode of spec.volumeLifecycleModes ?? []) {
      checkSupported(errors, path('spec', 'volumeLifecycleModes'), mode, ['Persistent', 'Ephemeral']);
    }
    checkSupported(errors, path('spec', 'fsGroupPolicy'), spec.fsGroupPolicy, [
      'File',
      'None',
      'ReadWriteOnceWithFSType',
    ]);
    const period = spec.nodeAllocatableUpdatePeriodSeconds;
    if (period !== undefined && Number(period) < 10) {
      const at = path('spec', 'nodeAllocatableUpdatePeriodSeconds');
      errors.invalid(at, Number(period), 'must be greater than or equal to 10 seconds');
    }
    const inSecrets = spec.serviceAccountTokenInSecrets;
    if (inSecrets !== undefined && !spec.tokenRequests?.length) {
      const problem = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
      errors.invalid(path('spec', 'serviceAccountTokenInSecrets'), inSecrets, problem);
    }
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    // Upstream's spelling.
    checkImmutable(errors, path('spec', 'attachedRequired'), next.attachRequired, current.attachRequired);
    checkImmutable(
      errors,
      path('spec', 'volumeLifecycleModes'),
      next.volumeLifecycleModes,
      current.volumeLifecycleModes,
    );
  },
  warnings: ({ spec: { tokenRequests, serviceAccountTokenInSecrets } }, current) =>
    tokenRequests?.length &&
    serviceAccountTokenInSecrets === undefined &&
    !(current && isEqual(tokenRequests, current.spec.tokenRequests))
      ? [tokensInSecretsWarning]
      : [],
  columns: [
    nameColumn,
    flag(
      'AttachRequired',
      'Whether volumes of this driver have to be attached to a node',
      ({ spec }) => spec.attachRequired,
    ),
    flag('PodInfoOnMount', 'Whether the driver is told about the pod', ({ spec }) => spec.podInfoOnMount),
    flag('StorageCapacity', 'Whether pods wait for published capacity', ({ spec }) => spec.storageCapacity),
    {
      name: 'TokenRequests',
      type: 'string',
      description: 'Audiences of service account tokens that the driver gets',
      cell: ({ spec }) => (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || '<unset>',
    },
    flag('RequiresRepublish', 'Whether NodePublishVolume is called periodically', ({ spec }) => spec.requiresRepublish),
    {
      name: 'Modes',
      type: 'string',
      description: 'Kinds of volumes that the driver supports',
      cell: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
    },
    ageColumn,
  ],
};
