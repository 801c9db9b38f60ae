// What names are allowed where. Each function gives the reasons why a text is not one, in upstream's words; none: it is.

const name1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${name1123}(\\.${name1123})*`;
const name1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const configKey = '[-._a-zA-Z0-9]+';
const identifier = '[A-Za-z_][A-Za-z0-9_]*';
const headerName = '[-A-Za-z0-9]+';
const percent = '[0-9]+%';

interface Rule {
  readonly pattern: RegExp;
  readonly message: string;
}

function rule(regex: string, message: string, ...examples: string[]): Rule {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return {
    pattern: new RegExp(`^(?:${regex})$`),
    message: `${message} (e.g. ${shown}regex used for validation is '${regex}')`,
  };
}

const label1123Rule = rule(
  name1123,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);
const subdomain1123Rule = rule(
  subdomain1123,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
const wildcardRule = rule(
  `\\*\\.${subdomain1123}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);
const label1035Rule = rule(
  name1035,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
);
const qualifiedRule = rule(
  qualifiedName,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueRule = rule(
  `(${qualifiedName})?`,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyValue',
  'my_value',
  '12345',
);
const configKeyRule = rule(
  configKey,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);
const identifierRule = rule(
  identifier,
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
);
const conditionReasonRule = rule(
  '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);
const headerRule = rule(
  headerName,
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);
const percentRule = rule(
  percent,
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);

export const tooLongMessage = (max: number): string => `must be no more than ${max} characters`;
// Upstream words it differently where it checks label keys and values.
const tooManyBytesMessage = (max: number): string => `must be no more than ${max} bytes`;
export const emptyMessage = 'must be non-empty';

export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function check(text: string, max: number, { pattern, message }: Rule, tooLong = tooLongMessage): string[] {
  const problems: string[] = [];
  if (text.length * 3 > max && byteLength(text) > max) problems.push(tooLong(max));
  if (!pattern.test(text)) problems.push(message);
  return problems;
}

/** A name that would do as a subdomain only has dots too many. */
export const dns1123LabelProblems = (text: string): string[] =>
  check(text, 63, label1123Rule).map((problem) =>
    problem === label1123Rule.message && subdomain1123Rule.pattern.test(text) ? 'must not contain dots' : problem,
  );
export const dns1123SubdomainProblems = (text: string): string[] => check(text, 253, subdomain1123Rule);
export const dns1035LabelProblems = (text: string): string[] => check(text, 63, label1035Rule);
/** Of kinds of which upstream looks at the name that was made, and not at what it was made of. */
export const madeNameProblems = (name: string, isPrefix: boolean): string[] =>
  isPrefix ? pathSegmentProblems(name, true) : dns1123SubdomainProblems(name);
export const wildcardSubdomainProblems = (text: string): string[] => check(text, 253, wildcardRule);
export const labelValueProblems = (text: string): string[] => check(text, 63, labelValueRule, tooManyBytesMessage);
export const identifierProblems = (text: string): string[] =>
  identifierRule.pattern.test(text) ? [] : [identifierRule.message];
export const conditionReasonProblems = (text: string): string[] =>
  conditionReasonRule.pattern.test(text) ? [] : [conditionReasonRule.message];
export const headerNameProblems = (text: string): string[] =>
  headerRule.pattern.test(text) ? [] : [headerRule.message];
export const percentProblems = (text: string): string[] =>
  percentRule.pattern.test(text) ? [] : [percentRule.message];

/** A subdomain that may have underscores in the middle of labels: DNS search paths. */
export function subdomainWithUnderscoreProblems(text: string): string[] {
  return check(text, 253, underscoreRule);
}
const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreRule = rule(
  `${underscoreLabel}(\\.${underscoreLabel})*`,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);

/** Label keys, annotation keys, resource names: `name` or `prefix.example.com/name`. */
export function qualifiedNameProblems(text: string): string[] {
  if (goodNames.has(text)) return [];
  const problems = qualifiedNameProblemsOf(text);
  if (problems.length === 0) {
    if (goodNames.size >= maxGoodNames) goodNames.clear();
    goodNames.add(text);
  }
  return problems;
}

/** The same few keys are on nearly every object. None is longer than 317 characters. */
const goodNames = new Set<string>();
const maxGoodNames = 1000;

function qualifiedNameProblemsOf(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) return [qualifiedShapeMessage];
  const problems: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === '') problems.push(`prefix part ${emptyMessage}`);
    else
      problems.push(
        ...check(parts[0]!, 253, subdomain1123Rule, tooManyBytesMessage).map((each) => `prefix part ${each}`),
      );
  }
  const name = parts.at(-1)!;
  if (name === '') problems.push(`name part ${emptyMessage}`);
  else if (byteLength(name) > 63) problems.push(`name part ${tooManyBytesMessage(63)}`);
  if (!qualifiedRule.pattern.test(name)) problems.push(`name part ${qualifiedRule.message}`);
  return problems;
}
const qualifiedShapeMessage = `a valid label key ${qualifiedRule.message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;

/** Names of container ports and of target ports of Services (IANA service names). */
export function portNameProblems(text: string): string[] {
  const problems: string[] = [];
  if (byteLength(text) > 15) problems.push(tooLongMessage(15));
  if (!/^[-a-z0-9]+$/.test(text))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)');
  if (text.includes('--')) problems.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

export function portNumberProblems(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : [rangeMessage(1, 65535)];
}

export const rangeMessage = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;

/** Keys of ConfigMaps and Secrets: they become file names. */
export function configMapKeyProblems(text: string): string[] {
  const problems = check(text, 253, configKeyRule);
  if (text === '.') problems.push(`must not be '.'`);
  else if (text === '..') problems.push(`must not be '..'`);
  else if (text.startsWith('..')) problems.push(`must not start with '..'`);
  return problems;
}

/** Names of environment variables: any printable ASCII but `=`. */
export function envVarNameProblems(text: string): string[] {
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(text)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Names that need only fit into one path segment of a URL: RBAC and everything else that has no rule of its own. */
export function pathSegmentProblems(text: string, isPrefix = false): string[] {
  if (!isPrefix && (text === '.' || text === '..')) return [`may not be '${text}'`];
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
}

/** `generateName` may end in dashes: the random suffix follows. */
export function withoutTrailingDash(text: string): string {
  return text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text;
}

/** The name rules of kinds (KindDefinition.nameRule). */
export const subdomainNameRule = (name: string, isPrefix: boolean): string[] =>
  dns1123SubdomainProblems(isPrefix ? withoutTrailingDash(name) : name);
export const labelNameRule = (name: string, isPrefix: boolean): string[] =>
  dns1123LabelProblems(isPrefix ? withoutTrailingDash(name) : name);
export const dns1035NameRule = (name: string, isPrefix: boolean): string[] =>
  dns1035LabelProblems(isPrefix ? withoutTrailingDash(name) : name);
export const pathSegmentNameRule = (name: string, isPrefix: boolean): string[] => pathSegmentProblems(name, isPrefix);
