import { createHash } from 'node:crypto';
import type { Container } from '../../../generated/core-v1.ts';

/** Changes when a container must be replaced: upstream looks at its name and image. */
export function containerHash({ name, image = '' }: Container): string {
  return createHash('sha256').update(`${name}\0${image}`).digest('hex').slice(0, 8);
}
