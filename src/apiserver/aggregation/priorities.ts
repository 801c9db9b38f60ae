// Where upstream puts each of its own group versions in discovery: higher comes first.

export interface Priority {
  /** Of the group among groups. */
  readonly group: number;
  /** Of the version among the group's. */
  readonly version: number;
}

type Row = readonly [group: string, priority: number, versions: Readonly<Record<string, number>>];

const rows: readonly Row[] = [
  ['', 18000, { v1: 1 }],
  ['apps', 17800, { v1: 15 }],
  ['events.k8s.io', 17750, { v1: 15, v1beta1: 5 }],
  ['authentication.k8s.io', 17700, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  ['authorization.k8s.io', 17600, { v1: 15 }],
  ['autoscaling', 17500, { v1: 15, v2: 30, v2beta1: 9, v2beta2: 1 }],
  ['batch', 17400, { v1: 15, v1beta1: 9, v2alpha1: 9 }],
  ['certificates.k8s.io', 17300, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  ['networking.k8s.io', 17200, { v1: 15, v1beta1: 9 }],
  ['policy', 17100, { v1: 15, v1beta1: 9 }],
  ['rbac.authorization.k8s.io', 17000, { v1: 15 }],
  ['storage.k8s.io', 16800, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  ['apiextensions.k8s.io', 16700, { v1: 15 }],
  ['admissionregistration.k8s.io', 16700, { v1: 15, v1beta1: 12, v1alpha1: 9 }],
  ['scheduling.k8s.io', 16600, { v1: 15, v1alpha2: 2 }],
  ['coordination.k8s.io', 16500, { v1: 15, v1beta1: 13, v1alpha2: 12 }],
  ['node.k8s.io', 16300, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  ['discovery.k8s.io', 16200, { v1: 15, v1beta1: 12 }],
  ['resource.k8s.io', 16200, { v1: 21, v1beta2: 15, v1beta1: 9, v1alpha3: 1 }],
  ['flowcontrol.apiserver.k8s.io', 16100, { v1: 21, v1beta3: 18, v1beta2: 15, v1beta1: 12, v1alpha1: 9 }],
  ['internal.apiserver.k8s.io', 16000, { v1alpha1: 9 }],
  ['storagemigration.k8s.io', 15800, { v1beta1: 9 }],
];

const builtIn = new Map<string, Priority>(
  rows.flatMap(([group, priority, versions]) =>
    Object.entries(versions).map(
      ([version, each]) => [`${group}/${version}`, { group: priority, version: each }] as const,
    ),
  ),
);

/** Of what definitions of custom resources bring. */
export const customPriority: Priority = { group: 1000, version: 100 };

/** This group has no APIService: it is where they are, and comes first. */
export const registrationGroup = 'apiregistration.k8s.io';

/** Undefined: not one of upstream's own. */
export function builtInPriority(group: string, version: string): Priority | undefined {
  return builtIn.get(`${group}/${version}`);
}
