"""Makes pictures with faces at known places, and says which of them an independent detector still finds.

make FOOTAGE DIR: writes DIR/*.jpg and prints [{"file", "kind", "boxes": [[x, y, w, h], ...]}, ...], boxes in pixels.
judge: reads the same from standard input, with "redacted" and "plain" (files: what is stored, and the same without redaction) added
to each, and prints {"faces", "before", "left", "own", "wide", "where", "persons", "plain", "still"}: faces of 32 pixels and more; how
many the detectors find in the source and in what is stored, and there those with the cascade that Gridgate uses itself; how many of
those that the detectors find are wider than 12 pixels there; and how many
person-sized shapes are seen in the source, of those at the stored size, and of these after redaction.

The detectors are OpenCV's: Haar and LBP cascades, frontal and profile, at the picture's size and at twice that, around each face
with all that can overlap it. None of those that judge is part of Gridgate; they compute no identity.
"""
import json
import multiprocessing
import sys

import cv2
import numpy

CASCADES = "/usr/share/opencv4/"
NAMES = [
    "haarcascades/haarcascade_frontalface_default.xml",
    "haarcascades/haarcascade_frontalface_alt2.xml",
    "lbpcascades/lbpcascade_frontalface_improved.xml",
    "lbpcascades/lbpcascade_profileface.xml",
]
# The one that Gridgate looks with itself: no judge, but told beside the others.
OWN = ["haarcascades/haarcascade_profileface.xml"]
# Faces in the photographs of opencv-doc, by hand: x, y, width and height in pixels.
PHOTOS = {
    "messi5.jpg": [(227, 94, 27, 35)],
    "left06.jpg": [(234, 110, 94, 130)],  # in profile
    "basketball1.png": [(72, 91, 32, 43)],
    "227943776_1.jpg": [(139, 86, 146, 196)],
    "230501201_1.jpg": [(180, 204, 295, 398)],
    "faceDetection.png": [(212, 197, 155, 202)],  # under a hat, turned aside
    "inpaint_basics.jpg": [(360, 15, 42, 56), (279, 87, 45, 55), (131, 15, 45, 57), (54, 86, 43, 55)],
}
SCENES = ["leuvenA.jpg", "building.jpg"]
SMALLEST = 32  # pixels of the source picture, the larger side of a face
WIDE = 12  # pixels of the stored picture: a wider face should not be left
LEAST, MOST = 0.4, 2.2  # of a face's larger side, that of a detector's box that speaks of it
FRAMES, EVERY = 24, 30  # pictures of vtest.avi with persons in them, and how far apart


def tilted(image, boxes, degrees):
    height, width = image.shape[:2]
    m = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    out = []
    for x, y, w, h in boxes:
        cx, cy = m @ numpy.array([x + w / 2, y + h / 2, 1])
        if 0 <= cx < width and 0 <= cy < height:
            out.append((cx - w / 2, cy - h / 2, w, h))
    return cv2.warpAffine(image, m, (width, height), borderMode=cv2.BORDER_REFLECT), out


def dark(image, noise):
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    night = numpy.clip(grey * 0.25 + noise.normal(0, 2, grey.shape), 0, 255).astype(numpy.uint8)
    return cv2.cvtColor(night, cv2.COLOR_GRAY2BGR)


def variants(image, boxes, noise):
    yield "as it is", image, boxes
    yield "dark", dark(image, noise), boxes
    yield "mirrored", cv2.flip(image, 1), [(image.shape[1] - x - w, y, w, h) for x, y, w, h in boxes]
    for degrees in (-20, 20):
        yield "tilted", *tilted(image, boxes, degrees)


def composites(footage, noise):
    """Puts each face, small to large, into scenes of 1080p; half of them at night."""
    cuts = []
    for name, boxes in PHOTOS.items():
        image = cv2.imread(f"{footage}/{name}")
        for x, y, w, h in boxes:
            left, top, right, low = max(0, x - w // 2), max(0, y - h // 2), x + w + w // 2, y + h + h // 2
            cuts.append((image[top:low, left:right], (x - left, y - top, w, h)))
    for i, size in enumerate((34, 34, 48, 48, 72, 72, 110, 110)):
        scene = cv2.resize(cv2.imread(f"{footage}/{SCENES[i % 2]}"), (1920, 1080), interpolation=cv2.INTER_CUBIC)
        boxes = []
        for n in range(6):
            cut, (x, y, w, h) = cuts[(i * 6 + n) % len(cuts)]
            scale = size / h
            small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            at_x, at_y = 80 + 300 * n, int(noise.integers(60, 1080 - 60 - small.shape[0]))
            scene[at_y : at_y + small.shape[0], at_x : at_x + small.shape[1]] = small
            boxes.append((at_x + x * scale, at_y + y * scale, w * scale, h * scale))
        yield "composite", dark(scene, noise) if i % 4 > 1 else scene, boxes


def make(footage, folder):
    noise, out = numpy.random.default_rng(7), []

    def write(kind, image, boxes):
        file = f"{folder}/{len(out):03d}.jpg"
        cv2.imwrite(file, image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        out.append({"file": file, "kind": kind, "boxes": [[float(v) for v in b] for b in boxes]})

    for name, boxes in PHOTOS.items():
        image = cv2.imread(f"{footage}/{name}")
        for kind, changed, moved in variants(image, boxes, noise):
            write(kind, changed, moved)
    for kind, image, boxes in composites(footage, noise):
        write(kind, image, boxes)
    film = cv2.VideoCapture(f"{footage}/vtest.avi")
    for n in range(FRAMES):
        film.set(cv2.CAP_PROP_POS_FRAMES, EVERY * n + EVERY // 2)
        write("persons", film.read()[1], [])
    return out


def around(image, box):
    """What is around a face, as far as a detector's box that speaks of it can reach, in grey; and where that begins."""
    x, y, w, h = box
    reach = (0.5 + MOST / 2) * max(w, h) + 2
    left, top = max(0, int(x + w / 2 - reach)), max(0, int(y + h / 2 - reach))
    cut = image[top : int(y + h / 2 + reach) + 1, left : int(x + w / 2 + reach) + 1]
    return cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), left, top


def readable(image, box, names):
    """Some detector of those named finds the face in box."""
    cut, left, top = around(image, box)
    size = max(box[2:])
    for factor in (1, 2):
        grey = cv2.resize(cut, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        least, most = max(20, int(LEAST * size * factor)), int(MOST * size * factor) + 1
        if most < least:
            continue
        for name in names:
            cascade = CASCADES_READ[name]
            for flip in (False, True) if "profile" in name else (False,):
                seen = cv2.flip(grey, 1) if flip else grey
                for x, y, w, h in cascade.detectMultiScale(seen, 1.1, 3, minSize=(least, least), maxSize=(most, most)):
                    x = grey.shape[1] - x - w if flip else x
                    if found(box, [(x / factor + left, y / factor + top, w / factor, h / factor)]):
                        return True
    return False


def found(box, all_found):
    """The detector's box has its middle in the face and about its size."""
    x, y, w, h = box
    size = max(w, h)
    return any(
        abs(fx + fw / 2 - x - w / 2) < size / 2 and abs(fy + fh / 2 - y - h / 2) < size / 2 and LEAST < max(fw, fh) / size < MOST
        for fx, fy, fw, fh in all_found
    )


def persons(image, hog):
    boxes, weights = hog.detectMultiScale(image, winStride=(8, 8), scale=1.05)
    return [tuple(b) for b, w in zip(boxes, numpy.ravel(weights)) if w > 0.6]


CASCADES_READ = {}


def prepare():
    """Reads the cascades, once a process."""
    cv2.setNumThreads(1)
    for name in NAMES + OWN:
        CASCADES_READ[name] = cv2.CascadeClassifier(CASCADES + name)


def of_faces(p):
    said = dict.fromkeys(("faces", "before", "left", "own", "wide"), 0)
    where, before, after = [], cv2.imread(p["file"]), cv2.imread(p["redacted"])
    scale = after.shape[1] / before.shape[1]
    for b in p["boxes"]:
        if max(b[2], b[3]) < SMALLEST:
            continue
        said["faces"] += 1
        said["before"] += readable(before, b, NAMES)
        stored = [v * scale for v in b]
        said["own"] += readable(after, stored, OWN)
        if readable(after, stored, NAMES):
            said["left"] += 1
            said["wide"] += b[2] * scale > WIDE
            where.append(f"{p['kind']} {p['file']} {[round(v) for v in b]}, {b[2] * scale:.0f} wide in what is stored")
    return said, where


def of_persons(p):
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    source = cv2.imread(p["file"])

    def seen(file):
        return persons(cv2.resize(cv2.imread(file), source.shape[1::-1], interpolation=cv2.INTER_CUBIC), hog)

    known = persons(source, hog)
    plain, redacted = seen(p["plain"]), seen(p["redacted"])
    small = [b for b in known if found(b, plain)]
    return {"persons": len(known), "plain": len(small), "still": sum(found(b, redacted) for b in small)}, []


def judge_one(p):
    return of_persons(p) if p["kind"] == "persons" else of_faces(p)


def judge(pictures):
    prepare()
    if any(c.empty() for c in CASCADES_READ.values()):
        sys.exit("the cascades of the package opencv-data are missing")
    total = {"where": []}
    with multiprocessing.Pool(initializer=prepare) as pool:
        for said, where in pool.imap(judge_one, pictures):
            total["where"] += where
            for key, value in said.items():
                total[key] = total.get(key, 0) + int(value)
    return total


if __name__ == "__main__":
    cv2.setNumThreads(1)
    json.dump(make(*sys.argv[2:]) if sys.argv[1] == "make" else judge(json.load(sys.stdin)), sys.stdout)
