// What an image reference says about itself.

const reference =
  /^(?<name>(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$/;

const maxNameLength = 255;

/** With the registry and the folder that are meant when none are named. */
function fullName(name: string): string {
  const [first, ...rest] = name.split('/');
  if (rest.length > 0 && /[.:]|^localhost$/.test(first!)) return name;
  return `docker.io/${rest.length > 0 ? '' : 'library/'}${name}`;
}

/** `latest` where the reference names neither tag nor digest; '' where it is no reference or has only a digest. */
export function imageTag(image: string): string {
  const groups = reference.exec(image)?.groups;
  if (!groups || fullName(groups['name']!).length > maxNameLength) return '';
  if (groups['tag']) return groups['tag'];
  return groups['digest'] ? '' : 'latest';
}

/** Moving tags are pulled each time. */
export function defaultPullPolicy(image: string | undefined): 'Always' | 'IfNotPresent' {
  return imageTag(image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
}
