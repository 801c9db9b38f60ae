// Named formats of names and values: `format.dns1123Label().validate("x")`.
import { hasFormat } from '../../structural/formats.ts';
import type { Library } from '../overloads.ts';
import { ArrayList, CelOpaque, CelOptional, type CelValue, noValue } from '../value-types.ts';
import { urlProblem } from './urls.ts';

class CelFormat extends CelOpaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly problems: (text: string) => readonly string[];
  /** For costs. */
  readonly regexSize: number;
  constructor(name: string, regexSize: number, problems: (text: string) => readonly string[]) {
    super();
    this.name = name;
    this.regexSize = regexSize;
    this.problems = problems;
  }
  equals(other: CelValue): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

const tooLong = (text: string, limit: number) =>
  Buffer.byteLength(text) > limit ? [`must be no more than ${limit} bytes`] : [];
/** Found wanting against the pattern: says so. */
const unlike = (text: string, pattern: RegExp, message: string) => (pattern.test(text) ? [] : [message]);

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const valueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const nameMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const alphanumeric = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const labels = (text: string) => [...tooLong(text, 63), ...unlike(text, label, labelMessage)];
const subdomains = (text: string) => [...tooLong(text, 253), ...unlike(text, subdomain, subdomainMessage)];
const labels1035 = (text: string) => [...tooLong(text, 63), ...unlike(text, label1035, label1035Message)];
/** Something will be put behind it: it may end with a dash. */
const prefix = (check: (text: string) => string[]) => (text: string) =>
  check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1)!;
  const problems: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === '') problems.push('prefix part must be non-empty');
    else problems.push(...subdomains(parts[0]!).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else problems.push(...tooLong(name, 63).map((problem) => `name part ${problem}`));
  return [...problems, ...unlike(name, alphanumeric, nameMessage)];
}

const labelValue = (text: string) => [
  ...tooLong(text, 63),
  ...(text === '' ? [] : unlike(text, alphanumeric, valueMessage)),
];
const known = (format: string, message: string) => (text: string) => (hasFormat(text, format) ? [] : [message]);
const uri = (text: string) => {
  const problem = urlProblem(text);
  return problem === undefined ? [] : [problem];
};

const all: Readonly<Record<string, CelFormat>> = {
  dns1123Label: new CelFormat('DNS1123Label', 30, labels),
  dns1123Subdomain: new CelFormat('DNS1123Subdomain', 60, subdomains),
  dns1035Label: new CelFormat('DNS1035Label', 30, labels1035),
  qualifiedName: new CelFormat('QualifiedName', 60, qualifiedName),
  dns1123LabelPrefix: new CelFormat('DNS1123LabelPrefix', 30, prefix(labels)),
  dns1123SubdomainPrefix: new CelFormat('DNS1123SubdomainPrefix', 60, prefix(subdomains)),
  dns1035LabelPrefix: new CelFormat('DNS1035LabelPrefix', 30, prefix(labels1035)),
  labelValue: new CelFormat('LabelValue', 40, labelValue),
  uri: new CelFormat('URI', 1103, uri),
  uuid: new CelFormat('uuid', 70, known('uuid', 'does not match the UUID format')),
  byte: new CelFormat('byte', 84, known('byte', 'invalid base64')),
  date: new CelFormat('date', 71, known('date', 'invalid date')),
  datetime: new CelFormat('datetime', 71, known('datetime', 'invalid datetime')),
};

const type = 'kubernetes.NamedFormat';

export const formats: Library = {
  validate: {
    overloads: {
      'format-validate': [
        `${type}.(string) -> optional(list(string))`,
        (format: CelFormat, text: string) => {
          const problems = format.problems(text);
          return problems.length === 0 ? noValue : new CelOptional(new ArrayList(problems));
        },
      ],
    },
  },
  'format.named': {
    overloads: {
      'format-named': [
        `(string) -> optional(${type})`,
        (name: string) => (Object.hasOwn(all, name) ? new CelOptional(all[name]!) : noValue),
      ],
    },
  },
  ...Object.fromEntries(
    Object.entries(all).map(([name, format]) => [
      `format.${name}`,
      { overloads: { [`format.${name}`]: [`() -> ${type}`, () => format] } },
    ]),
  ),
};
