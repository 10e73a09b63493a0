"""The `crs` member that GeoJSON had before RFC 7946: which reference systems are taken as WGS84."""

import re
from typing import Any

from ndvi_core.intake.document import Note, Rejection, show

_WGS84 = re.compile(
    r"(urn:(x-)?ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?"
    r"((ogc[:/]+([\d.]+[:/])?)?crs84h?|epsg[:/]+([\d.]+[:/])?(4326|4979)|wgs ?84)",
    re.IGNORECASE,
)
_EPSG = re.compile(
    r"(?:urn:(?:x-)?ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?epsg[:/]+(?:[\d.]+[:/])?(\d{4,5})", re.IGNORECASE
)
_WITHIN_A_METRE = {
    4023: "MOLDREF99",
    4075: "SREF98",
    4081: "REGCAN95",
    4148: "Hartebeesthoek94",
    4151: "CHTRS95",
    4171: "RGF93 v1",
    4173: "IRENET95",
    4180: "EST97",
    4189: "REGVEN",
    4258: "ETRS89",
    4463: "RGSPM06",
    4470: "RGM04",
    4619: "SWEREF99",
    4624: "RGFG95",
    4627: "RGR92",
    4659: "ISN93",
    4661: "LKS-92",
    4669: "LKS94",
    4670: "IGM95",
    4674: "SIRGAS 2000",
    4686: "MAGNA-SIRGAS",
    4749: "RGNC91-93",
    4761: "HTRS96",
    4765: "Slovenia 1996",
    4937: "ETRS89",
    4965: "RGF93 v1",
    5252: "TUREF",
    5324: "ISN2004",
    5381: "SIRGAS-ROU98",
    5489: "RGAF09",
    6706: "RDN2008",
    8086: "ISN2016",
    8685: "SRB_ETRS89",
    9140: "KOSOVAREF01",
    9702: "ETRF2000-PL",
    9777: "RGF93 v2",
    9782: "RGF93 v2b",
    10310: "RGNC15",
    10328: "BH_ETRS89",
    10671: "RGM23",
    10690: "EUREF-FIN",
    10875: "ETRS89-NOR [EUREF89]",
}
"""Geographic systems (degrees) by EPSG code, whose coordinates EPSG states to be those of WGS84 to 1 m: its operations
"... to WGS 84", all parameters zero, accuracy 1 m (1149 for ETRS89; dataset v12.029); 4937 and 4965 are the same with
heights. Left out are those that it gives more (NAD83: 4 m, GDA94: 3 m) and those of ground that has moved since (New
Zealand, Japan)."""


def check_crs(members: dict[str, Any], where: str) -> Note | None:
    """Check that an object has no `crs` member, or one that names WGS84 or a system that is the same to a metre.

    A metre is a tenth of a pixel. As in GDAL's GeoJSON driver, a system is named by `name`, `urn`, or `code` of EPSG.

    Returns:
        What to tell if coordinates of another system are taken as those of WGS84.

    Raises:
        Rejection: coordinates are in another reference system, or in one that is not named in a known way.
    """
    crs = members.get("crs")
    if crs is None:
        return None
    name = _name(crs)
    if name is not None and _WGS84.fullmatch(name):
        return None
    epsg = _EPSG.fullmatch(name) if name is not None else None
    if epsg and int(epsg[1]) in _WITHIN_A_METRE:
        return Note(
            "crs_taken_as_wgs84",
            f"{where}/crs",
            f"coordinates are in {_WITHIN_A_METRE[int(epsg[1])]} (EPSG:{epsg[1]}), which is WGS84 to about a metre: "
            "they are taken as they are",
        )
    raise Rejection(
        "wrong_crs",
        f"{where}/crs",
        f"coordinates have to be WGS84 longitude and latitude, not in {show(crs if name is None else name)}: "
        "reproject to EPSG:4326 and export again (ogr2ogr -lco RFC7946=YES out.geojson in.geojson)",
    )


def _name(crs: object) -> str | None:
    """Return the name of a `crs` member's system, "EPSG:" and the code of one by code; None if it has none."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    if not isinstance(crs, dict) or not isinstance(properties, dict):
        return None
    for member in ("name", "urn"):
        if isinstance(properties.get(member), str):
            return str(properties[member]).strip()
    code, kind = properties.get("code"), crs.get("type")
    if not isinstance(kind, str) or kind.upper() != "EPSG":
        return None
    if isinstance(code, float) and code.is_integer():
        return f"EPSG:{int(code)}"
    return f"EPSG:{code.strip()}" if isinstance(code, str) and code.strip().isdecimal() else None
