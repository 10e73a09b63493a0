"""The pictures of passes in the bucket: which there are, and those that an order has to draw."""

import logging
import re
from collections import deque
from collections.abc import Iterator
from datetime import date, timedelta
from threading import Event

from pydantic import ValidationError

from ndvi_core.errors import NdviError, NotFound, SceneUnreachable
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import WorkOrder
from ndvi_core.products.pass_picture import PassPicture, draw_pass
from ndvi_core.storage.object_store import Store
from ndvi_core.support.concurrency import map_bounded

WEBP = "image/webp"

AT_ONCE = 4
"""Pictures that are drawn side by side: each mostly waits for a server."""

MOST_DAYS = 800
"""Of a period that is listed month by month; of a longer one everything is looked through."""

_STATEMENT = re.compile(r"/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})/(?P<scene>[^/]+)\.json$")
"""The end of a key: of what is written last, so that the picture is there too."""

log = logging.getLogger(__name__)


def pass_key(day: date, scene_id: str, suffix: str) -> str:
    """Return the key of a picture (`webp`), or of what it shows (`json`), below that of all.

    Each month has a folder, so that a listing is short. Characters of an id that are not for keys become hyphens.
    """
    return f"{day:%Y-%m}/{day}/{re.sub(r'[^A-Za-z0-9_.-]', '-', scene_id)}.{suffix}"


def pictured(store: Store, prefix: str, start: date, end: date) -> Iterator[tuple[date, str]]:
    """Yield days and ids of the scenes of which there are pictures, in the order of the days.

    Args:
        store: the bucket.
        prefix: of the keys of all pictures.
        start: first day.
        end: last day, included.
    """
    is_long = (end - start).days > MOST_DAYS
    days = () if is_long else (start + timedelta(number) for number in range((end - start).days + 1))
    for folder in dict.fromkeys(f"{day:%Y-%m}/" for day in days) or ("",):
        for info in store.list(f"{prefix}{folder}"):
            found = _STATEMENT.search(info.key)
            if found and str(start) <= found["day"] <= str(end):
                yield date.fromisoformat(found["day"]), found["scene"]


def draw_passes(order: WorkOrder, ended: Event) -> None:
    """Draw the pictures of the scenes that the order names, some at a time, those that are there already excepted.

    They are for orientation alone: what goes wrong is a warning. A server that is away is not asked for further ones.

    Args:
        order: the work order.
        ended: once it is set, no further picture is begun.
    """
    if order.passes is None:
        return
    uri, scenes = order.passes.uri, [order.scenes[number] for number in order.passes.scenes]

    def draw(scene: Scene) -> None:
        if ended.is_set():
            return
        try:
            _draw(Store(uri), scene, order.extent)
        except SceneUnreachable as error:
            log.warning("no picture of the pass, nor of those after it: %s", error)
            ended.set()
        except NdviError as error:
            log.warning("no picture of the pass: %s", error)
        except Exception:
            log.exception("no picture of the pass, scene %s: a defect", scene.id)

    deque(map_bounded(draw, scenes, AT_ONCE), maxlen=0)


def _draw(store: Store, scene: Scene, extent: str | None) -> None:
    statement = pass_key(scene.day, scene.id, "json")
    known = _known(store, statement)
    if known is not None and (known.updated, known.extent) == (scene.updated, extent):
        return
    drawn = draw_pass(scene, extent)
    if drawn is None:
        return
    picture, about = drawn
    store.write(pass_key(scene.day, scene.id, "webp"), picture, WEBP)
    store.write(statement, about.model_dump_json().encode(), "application/json")
    log.info("%s: picture of the pass, %d kB", scene.id, len(picture) // 1000)


def _known(store: Store, key: str) -> PassPicture | None:
    try:
        return PassPicture.model_validate_json(store.read(key))
    except (NotFound, ValidationError):
        return None
