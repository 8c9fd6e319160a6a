"""Makes pictures with faces at known places, and says which of them an independent detector still finds.

make FOOTAGE DIR: writes DIR/*.jpg and prints [{"file", "kind", "boxes": [[x, y, w, h], ...]}, ...], boxes in pixels.
judge: reads the same from standard input, with "redacted" (a file) added to each, and prints
{"faces", "before", "left", "where", "persons", "still"}: faces of 32 pixels and more, how many of them the detector finds before
and after redaction, and how many person-sized shapes were and are seen.

The detector is OpenCV's: Haar and LBP cascades, frontal and profile, at the picture's size and, up to 640 pixels, at twice that. Nothing here is
part of Gridgate; it computes no identity.
"""
import json
import sys

import cv2
import numpy

CASCADES = "/usr/share/opencv4/"
NAMES = [
    "haarcascades/haarcascade_frontalface_default.xml",
    "haarcascades/haarcascade_frontalface_alt2.xml",
    "haarcascades/haarcascade_profileface.xml",
    "lbpcascades/lbpcascade_frontalface_improved.xml",
]
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
    for n in range(8):
        film.set(cv2.CAP_PROP_POS_FRAMES, 90 * n)
        write("persons", film.read()[1], [])
    return out


def faces(image, cascades):
    for factor in (1, 2) if image.shape[1] <= 640 else (1,):
        grey = cv2.cvtColor(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2GRAY)
        for name, cascade in cascades.items():
            for flip in (False, True) if "profile" in name else (False,):
                for x, y, w, h in cascade.detectMultiScale(cv2.flip(grey, 1) if flip else grey, 1.1, 3, minSize=(20, 20)):
                    yield (grey.shape[1] - x - w if flip else x) / factor, y / factor, w / factor, h / factor


def found(box, all_found):
    """The detector's box has its middle in the face and about its size."""
    x, y, w, h = box
    size = max(w, h)
    return any(
        abs(fx + fw / 2 - x - w / 2) < size / 2 and abs(fy + fh / 2 - y - h / 2) < size / 2 and 0.4 < max(fw, fh) / size < 2.2
        for fx, fy, fw, fh in all_found
    )


def persons(image, hog):
    boxes, weights = hog.detectMultiScale(image, winStride=(8, 8), scale=1.05)
    return [tuple(b) for b, w in zip(boxes, numpy.ravel(weights)) if w > 0.6]


def judge(pictures):
    cascades = {name: cv2.CascadeClassifier(CASCADES + name) for name in NAMES}
    if any(c.empty() for c in cascades.values()):
        sys.exit("the cascades of the package opencv-data are missing")
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    said = {"faces": 0, "before": 0, "left": 0, "where": [], "persons": 0, "still": 0}
    for p in pictures:
        before, after = cv2.imread(p["file"]), cv2.imread(p["redacted"])
        scale = after.shape[1] / before.shape[1]
        if p["kind"] == "persons":
            now = persons(cv2.resize(after, before.shape[1::-1], interpolation=cv2.INTER_CUBIC), hog)
            for b in persons(before, hog):
                said["persons"] += 1
                said["still"] += found(b, now)
            continue
        large = [b for b in p["boxes"] if max(b[2], b[3]) >= SMALLEST]
        seen, left = list(faces(before, cascades)), list(faces(after, cascades))
        for b in large:
            said["faces"] += 1
            said["before"] += found(b, seen)
            if found([v * scale for v in b], left):
                said["left"] += 1
                said["where"].append(f"{p['kind']} {p['file']} {[round(v) for v in b]}")
    return said


if __name__ == "__main__":
    cv2.setNumThreads(1)
    json.dump(make(*sys.argv[2:]) if sys.argv[1] == "make" else judge(json.load(sys.stdin)), sys.stdout)
