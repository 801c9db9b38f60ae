import type { Attacher } from './attacher.ts';
import { CsiAttacher, type CsiObjects } from './csi-attacher.ts';
import { iscsiAttacher } from './iscsi-attacher.ts';

/** Every plugin whose volumes are attached. */
export const createAttachers = (objects: CsiObjects): readonly Attacher[] => [new CsiAttacher(objects), iscsiAttacher];
