<?php

namespace Espo\Custom\Hooks\Common;

use Espo\Core\Hook\Hook\AfterRelate;
use Espo\Core\Hook\Hook\AfterUnrelate;
use Espo\Core\Job\JobSchedulerFactory;
use Espo\Core\Utils\Log;
use Espo\Custom\Jobs\SendVmhLink;
use Espo\ORM\Entity;
use Espo\ORM\Repository\Option\RelateOptions;
use Espo\ORM\Repository\Option\UnrelateOptions;
use Throwable;

/**
 * Two records were linked or unlinked: leaves a job that tells the webhook ingress. Calls nobody itself, and never
 * keeps a user's save from going through. The job carries types, ids and the name of the link, nothing else.
 *
 * @implements AfterRelate<Entity>
 * @implements AfterUnrelate<Entity>
 */
class VmhLinks implements AfterRelate, AfterUnrelate
{
    public static int $order = 102;

    /** Both records must be of these. The ingress has the same list. */
    public const TYPES = [
        'CBeteiligte',
        'CAdressen',
        'CBankverbindungen',
        'CDokumente',
        'CVmhRumungsklage',
        'CVmhErstgespraech',
        'Account',
    ];

    public function __construct(
        private JobSchedulerFactory $jobs,
        private Log $log,
    ) {}

    public function afterRelate(
        Entity $entity,
        string $relationName,
        Entity $relatedEntity,
        array $columnData,
        RelateOptions $options,
    ): void {
        $this->tell('link', $entity, $relationName, $relatedEntity);
    }

    public function afterUnrelate(
        Entity $entity,
        string $relationName,
        Entity $relatedEntity,
        UnrelateOptions $options,
    ): void {
        $this->tell('unlink', $entity, $relationName, $relatedEntity);
    }

    private function tell(string $action, Entity $left, string $link, Entity $right): void
    {
        $types = [$left->getEntityType(), $right->getEntityType()];

        if (array_diff($types, self::TYPES) !== []) {
            return;
        }

        try {
            // A group of its own, so that an ingress that is away holds up nobody else's jobs.
            $this->jobs->create()
                ->setClassName(SendVmhLink::class)
                ->setGroup('vmh-links')
                ->setData([
                    'action' => $action,
                    'pair' => [
                        'leftType' => $types[0],
                        'leftId' => $left->getId(),
                        'rightType' => $types[1],
                        'rightId' => $right->getId(),
                        'link' => $link,
                    ],
                    'tries' => 0,
                ])
                ->schedule();
        } catch (Throwable $e) {
            $this->log->error('VmhLinks: the job could not be made: ' . $e->getMessage());
        }
    }
}
