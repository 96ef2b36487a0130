import { messengerContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

messengerContract('NATS', natsFixtures());
