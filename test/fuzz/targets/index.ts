// The list that a new target joins.
import type { FuzzTarget } from '../target.ts';
import { applyTarget } from './apply.ts';
import { crdTarget } from './crd.ts';
import { continueTarget, headersTarget, urlTarget } from './edge.ts';
import { jsonTarget } from './json.ts';
import { jsonPatchTarget, mergePatchTarget, strategicTarget } from './patches.ts';
import { protobufTarget } from './protobuf.ts';
import { requestsTarget } from './requests.ts';
import { scalarsTarget } from './scalars.ts';
import { fieldSelectorTarget, labelSelectorTarget } from './selectors.ts';
import { yamlTarget } from './yaml.ts';

export const targets: readonly FuzzTarget[] = [
  jsonTarget,
  yamlTarget,
  protobufTarget,
  jsonPatchTarget,
  mergePatchTarget,
  strategicTarget,
  applyTarget,
  crdTarget,
  labelSelectorTarget,
  fieldSelectorTarget,
  scalarsTarget,
  urlTarget,
  headersTarget,
  continueTarget,
  requestsTarget,
];
