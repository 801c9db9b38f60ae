import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../../generated/flowcontrol-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { rangeMessage } from '../meta/names.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { requireSupported } from '../meta/supported.ts';
import { validateFlowConditions } from './flow-rule.ts';

/** Cards are dealt by one hash: so many bits of it may be used. */
const maxHashBits = 60;

function validateQueuing(queuing: QueuingConfiguration, at: FieldPath, errors: FieldErrors): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) errors.invalid(at.child('queueLengthLimit'), queueLengthLimit, 'must be positive');
  if (queues <= 0) errors.invalid(at.child('queues'), queues, 'must be positive');
  else if (queues > 10_000_000) errors.invalid(at.child('queues'), queues, 'must not be greater than 10000000');
  if (handSize <= 0) errors.invalid(at.child('handSize'), handSize, 'must be positive');
  else if (handSize > queues) {
    errors.invalid(at.child('handSize'), handSize, `should not be greater than queues (${queues})`);
  } else if (queues > 0 && Math.ceil(Math.log2(queues) * handSize) > maxHashBits) {
    const problem = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`;
    errors.invalid(at.child('handSize'), handSize, problem);
  }
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: FieldPath, errors: FieldErrors): void {
  const {
    nominalConcurrencyShares: shares,
    lendablePercent: lendable,
    borrowingLimitPercent: borrowing,
    limitResponse,
  } = limited;
  if (shares !== undefined && shares < 0)
    errors.invalid(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer');
  const { type, queuing } = limitResponse ?? {};
  const response = at.child('limitResponse');
  if (type === 'Queue') {
    if (!queuing)
      errors.required(response.child('queuing'), 'must not be empty if limited.limitResponse.type is Limited');
    else validateQueuing(queuing, response.child('queuing'), errors);
  } else if (type === 'Reject') {
    if (queuing)
      errors.forbidden(response.child('queuing'), 'must be nil if limited.limitResponse.type is not Limited');
  } else requireSupported(errors, response.child('type'), type, ['Queue', 'Reject']);
  if (lendable !== undefined && (lendable < 0 || lendable > 100)) {
    errors.invalid(at.child('lendablePercent'), lendable, rangeMessage(0, 100));
  }
  if (borrowing !== undefined && borrowing < 0) {
    errors.invalid(at.child('borrowingLimitPercent'), borrowing, 'if specified, must be a non-negative integer');
  }
}

function validateExempt(exempt: ExemptPriorityLevelConfiguration, at: FieldPath, errors: FieldErrors): void {
  const { nominalConcurrencyShares: shares, lendablePercent: lendable } = exempt;
  if (shares !== undefined && shares < 0) {
    errors.invalid(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer');
  }
  if (lendable !== undefined && (lendable < 0 || lendable > 100)) {
    errors.invalid(at.child('lendablePercent'), lendable, rangeMessage(0, 100));
  }
}

/** Two levels are there for good: of one only `exempt` may change, of the other nothing. */
function validateFixed(name: string, spec: PriorityLevelConfigurationSpec, at: FieldPath, errors: FieldErrors): void {
  const isExempt = name === 'exempt';
  const { exempt: _, ...others } = spec;
  if (isExempt ? isEqual(others, { type: 'Exempt' }) : name !== 'catch-all' || isEqual(spec, catchAll)) return;
  errors.invalid(
    at,
    goForm('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec', spec),
    `spec of '${name}' ${isExempt ? "except the 'spec.exempt' field " : ''}must equal the fixed value`,
  );
}

const catchAll: PriorityLevelConfigurationSpec = {
  type: 'Limited',
  limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 },
};

const queuingCell = (field: keyof QueuingConfiguration) => (object: PriorityLevelConfiguration) =>
  object.spec?.limited?.limitResponse?.queuing?.[field] ?? '<none>';

export const priorityLevelConfigurationKind: KindDefinition<PriorityLevelConfiguration> = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  metadataLooks: ['object'],
  defaults({ spec }) {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec?.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  },
  prepareForCreate(object) {
    startGeneration(object);
    object.status = {};
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
  },
  validate({ metadata, spec }, errors) {
    if (!spec) return;
    const at = path('spec');
    const isExempt = spec.type === 'Exempt';
    if (isExempt !== (metadata.name === 'exempt')) {
      errors.invalid(at.child('type'), spec.type ?? '', "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    requireSupported(errors, at.child('type'), spec.type, ['Exempt', 'Limited']);
    if (isExempt && spec.limited) errors.forbidden(at.child('limited'), 'must be nil if the type is not Limited');
    if (isExempt && spec.exempt) validateExempt(spec.exempt, at.child('exempt'), errors);
    if (spec.type === 'Limited') {
      if (spec.exempt) errors.forbidden(at.child('exempt'), 'must be nil if the type is Limited');
      if (!spec.limited) errors.required(at.child('limited'), 'must not be empty when type is Limited');
      else validateLimited(spec.limited, at.child('limited'), errors);
    }
    validateFixed(metadata.name, spec, at, errors);
  },
  subresources: {
    status: statusRules<PriorityLevelConfiguration>({ keepsMetadata: true, validateUpdate: validateFlowConditions }),
  },
  columns: [
    nameColumn,
    {
      name: 'Type',
      type: 'string',
      description:
        '`type` indicates whether this priority level is subject to limitation on request execution.  A value of `"Exempt"` means that requests of this priority level are not subject to a limit (and thus are never queued) and do not detract from the capacity made available to other priority levels.  A value of `"Limited"` means that (a) requests of this priority level _are_ subject to limits and (b) some of the server\'s limited capacity is made available exclusively to this priority level. Required.',
      cell: ({ spec }) => spec?.type ?? '',
    },
    {
      name: 'NominalConcurrencyShares',
      type: 'string',
      description:
        '`nominalConcurrencyShares` (NCS) contributes to the computation of the NominalConcurrencyLimit (NominalCL) of this level. This is the number of execution seats available at this priority level. This is used both for requests dispatched from this priority level as well as requests dispatched from other priority levels borrowing seats from this level. The server\'s concurrency limit (ServerCL) is divided among the Limited priority levels in proportion to their NCS values:\n\nNominalCL(i)  = ceil( ServerCL * NCS(i) / sum_ncs ) sum_ncs = sum[priority level k] NCS(k)\n\nBigger numbers mean a larger nominal concurrency limit, at the expense of every other priority level.\n\nIf not specified, this field defaults to a value of 30.\n\nSetting this field to zero supports the construction of a "jail" for this priority level that is used to hold some request(s)',
      cell: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>',
    },
    {
      name: 'Queues',
      type: 'string',
      description:
        '`queues` is the number of queues for this priority level. The queues exist independently at each apiserver. The value must be positive.  Setting it to 1 effectively precludes shufflesharding and thus makes the distinguisher method of associated flow schemas irrelevant.  This field has a default value of 64.',
      cell: queuingCell('queues'),
    },
    {
      name: 'HandSize',
      type: 'string',
      description:
        "`handSize` is a small positive number that configures the shuffle sharding of requests into queues.  When enqueuing a request at this priority level the request's flow identifier (a string pair) is hashed and the hash value is used to shuffle the list of queues and deal a hand of the size specified here.  The request is put into one of the shortest queues in that hand. `handSize` must be no larger than `queues`, and should be significantly smaller (so that a few heavy flows do not saturate most of the queues).  See the user-facing documentation for more extensive guidance on setting this field.  This field has a default value of 8.",
      cell: queuingCell('handSize'),
    },
    {
      name: 'QueueLengthLimit',
      type: 'string',
      description:
        '`queueLengthLimit` is the maximum number of requests allowed to be waiting in a given queue of this priority level at a time; excess requests are rejected.  This value must be positive.  If not specified, it will be defaulted to 50.',
      cell: queuingCell('queueLengthLimit'),
    },
    ageColumn,
  ],
};
