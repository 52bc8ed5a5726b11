<?php

namespace Espo\Custom\Jobs;

use DateInterval;
use Espo\Core\Job\Job;
use Espo\Core\Job\Job\Data;
use Espo\Core\Job\JobSchedulerFactory;
use Espo\Core\Utils\Log;
use Espo\Entities\Webhook;
use Espo\ORM\EntityManager;

/**
 * Sends one pair to the webhook ingress, signed as EspoCRM signs its own webhooks: with the id and the key of the
 * webhook that goes to the ingress anyway, and to the same address. So there is nothing to configure here.
 */
class SendVmhLink implements Job
{
    private const PREFIX = '/vmh/webhook/';
    private const GUIDE = self::PREFIX . 'beteiligte/update';

    /** Minutes until the next try. After the last one the link is left to the ticker. */
    private const DELAYS = [1, 5, 15, 60];

    /** The ingress says that the body is wrong: sending it again is of no use. */
    private const REFUSED = [400, 413];

    private const CONNECT_SECONDS = 2;
    private const SECONDS = 10;

    public function __construct(
        private EntityManager $entityManager,
        private JobSchedulerFactory $jobs,
        private Log $log,
    ) {}

    public function run(Data $data): void
    {
        $action = $data->get('action') === 'unlink' ? 'unlink' : 'link';
        [$code, $answer] = $this->send($action, (string) json_encode($data->get('pair')));

        if ($code >= 200 && $code < 300) {
            return;
        }

        $tries = (int) $data->get('tries');

        if (in_array($code, self::REFUSED) || $tries >= count(self::DELAYS)) {
            $this->log->error("SendVmhLink: given up, the ingress answered $code $answer");

            return;
        }

        $this->log->warning("SendVmhLink: not taken, tried again later, the ingress answered $code $answer");
        $this->jobs->create()
            ->setClassName(self::class)
            ->setGroup('vmh-links')
            ->setDelay(new DateInterval('PT' . self::DELAYS[$tries] . 'M'))
            ->setData(['action' => $action, 'pair' => $data->get('pair'), 'tries' => $tries + 1])
            ->schedule();
    }

    /**
     * The status and the word that were answered; 0 where nobody answered, or where no webhook goes to an ingress.
     *
     * @return array{int, string}
     */
    private function send(string $action, string $body): array
    {
        $webhook = $this->entityManager
            ->getRDBRepository(Webhook::ENTITY_TYPE)
            ->where(['isActive' => true, 'url*' => '%' . self::GUIDE])
            ->order('createdAt', 'DESC')
            ->findOne();

        if ($webhook === null) {
            return [0, 'no active webhook ends in ' . self::GUIDE];
        }

        $base = strstr((string) $webhook->get('url'), self::PREFIX, true);
        $digest = hash_hmac('sha256', $body, (string) $webhook->get('secretKey'));
        $request = curl_init($base . self::PREFIX . "entity/$action");

        curl_setopt_array($request, [
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => self::CONNECT_SECONDS,
            CURLOPT_TIMEOUT => self::SECONDS,
            CURLOPT_HTTPHEADER => [
                'Content-Type: application/json',
                'Expect:',
                'Signature: ' . base64_encode($webhook->getId() . ':' . $digest),
            ],
        ]);
        $answer = curl_exec($request);
        $code = (int) curl_getinfo($request, CURLINFO_RESPONSE_CODE);

        return [$code, substr($answer === false ? curl_error($request) : $answer, 0, 200)];
    }
}
