// Some of upstream's messages name its Go types; clients see those texts.

const packages: Record<string, string> = {
  '': 'core',
  'events.k8s.io': 'core',
  'flowcontrol.apiserver.k8s.io': 'flowcontrol',
};

/** The package of upstream's internal types of a group: the first part of its name. */
export function goPackage(group: string): string {
  return packages[group] ?? group.split('.')[0]!;
}
