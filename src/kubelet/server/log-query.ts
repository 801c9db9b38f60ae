// ?query=…: which services' logs, from when to when, how many lines; checked in upstream's words.
import { NodeApiError } from './find-container.ts';

export interface LogQuery {
  readonly services: readonly string[];
  /** Below /var/log. */
  readonly file: string | undefined;
  readonly sinceTime: Date | undefined;
  readonly untilTime: Date | undefined;
  readonly tailLines: number | undefined;
  readonly boot: number | undefined;
  readonly pattern: string;
}

const maxTailLines = 100_000;
const maxServices = 4;
const maxServiceLetters = 256;

/** Undefined when nothing is asked by query. @throws NodeApiError for all that is wrong at once */
export function parseLogQuery(query: URLSearchParams): LogQuery | undefined {
  const problems: string[] = [];
  const invalid = (field: string, value: unknown, why: string): void =>
    void problems.push(`${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  const asked = query.getAll('query');
  const files = asked.filter((each) => /[/\\]/.test(each));
  const services = asked.filter((each) => !/[/\\]/.test(each) && each.trim() !== '');
  if (query.has('query') && files.length + services.length === 0) invalid('query', asked, 'may not be empty');
  const time = (name: string): Date | undefined => {
    const text = query.get(name);
    if (!text) return undefined;
    const isTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text);
    if (isTime && !Number.isNaN(Date.parse(text))) return new Date(text);
    invalid(name, text, 'invalid time format');
    return undefined;
  };
  const integer = (name: string): number | undefined => {
    const text = query.get(name);
    if (!text) return undefined;
    if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    invalid(name, text, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    return undefined;
  };
  const [sinceTime, untilTime] = [time('sinceTime'), time('untilTime')];
  const [boot, tailLines] = [integer('boot'), integer('tailLines')];
  const pattern = query.get('pattern') ?? '';
  refuse(problems);
  const hasOptions = [sinceTime, untilTime, boot, tailLines].some((each) => each !== undefined) || pattern !== '';
  if (asked.length === 0 && !hasOptions) return undefined;

  for (const service of services) {
    if (service.length > maxServiceLetters) invalid('query', service, `length must be less than ${maxServiceLetters}`);
    else if (/[^a-zA-Z\-_.:0-9@]/.test(service)) invalid('query', service, 'input contains unsupported characters');
  }
  if (services.length > maxServices)
    problems.push(`query: Too many: ${services.length}: must have at most ${maxServices} items`);
  if (asked.length === 0) problems.push('query: Required value: cannot be empty with options');
  else if (files.length > 0 && services.length > 0)
    invalid('query', `[${files.join(' ')}], [${services.join(' ')}]`, 'cannot specify a file and service');
  else if (files.length > 1) invalid('query', files, 'cannot specify more than one file');
  else if (files.length === 1 && hasOptions) invalid('query', files, 'cannot specify file with options');
  if (sinceTime && untilTime && sinceTime > untilTime)
    invalid('untilTime', untilTime.toISOString(), 'must be after `sinceTime`');
  if (boot !== undefined && boot > 0) invalid('boot', boot, 'must be less than 1');
  if (tailLines !== undefined && (tailLines < 0 || tailLines > maxTailLines))
    invalid('tailLines', tailLines, `must be between 0 and ${maxTailLines}, inclusive`);
  if (pattern.length > 1_024) invalid('pattern', pattern.slice(0, 32), 'is too long');
  refuse(problems);
  return { services, file: files[0], sinceTime, untilTime, tailLines, boot, pattern };
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 1) throw new NodeApiError(400, problems[0]!);
  if (problems.length > 1) throw new NodeApiError(400, `[${problems.join(', ')}]`);
}
