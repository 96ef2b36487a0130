import { blobStoreContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

blobStoreContract('NATS', natsFixtures());
