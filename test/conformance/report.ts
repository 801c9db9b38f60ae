// Ginkgo's JSON report → what became of each spec that ran.

export interface Outcome {
  readonly name: string;
  readonly hasPassed: boolean;
  readonly seconds: number;
  /** Why it failed; empty when it has not. */
  readonly message: string;
}

interface SpecReport {
  readonly LeafNodeType: string;
  readonly State: string;
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeText: string;
  /** Nanoseconds. */
  readonly RunTime: number;
  readonly Failure?: { readonly Message?: string; readonly ForwardedPanic?: string };
}

/** @param text the file that `--json-report` wrote */
export function readReport(text: string): Outcome[] {
  const suites = JSON.parse(text) as { SpecReports: SpecReport[] | null }[];
  return suites
    .flatMap((suite) => suite.SpecReports ?? [])
    .filter((spec) => spec.LeafNodeType === 'It' && spec.State !== 'skipped' && spec.State !== 'pending')
    .map((spec) => ({
      name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' '),
      hasPassed: spec.State === 'passed',
      seconds: spec.RunTime / 1e9,
      message: spec.State === 'passed' ? '' : messageOf(spec),
    }));
}

function messageOf({ State, Failure }: SpecReport): string {
  return [State, Failure?.Message, Failure?.ForwardedPanic].filter(Boolean).join(': ');
}
