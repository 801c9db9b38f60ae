// Every image that a conformance spec starts, made of Debian packages and the suite's own programs.
import { pause } from '../../../scripts/images/pause.ts';
import type { Recipe } from '../../../scripts/images/recipe.ts';
import { agnhost } from './agnhost.ts';
import { busybox } from './busybox.ts';
import { nginx } from './nginx.ts';
import { etcd, nonewprivs, sampleApiserver } from './single-programs.ts';

export const recipes: readonly Recipe[] = [pause, busybox, agnhost, nginx, nonewprivs, sampleApiserver, etcd];
