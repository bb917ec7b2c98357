#!/usr/bin/env python3
"""Makes KakehashiRareKanji-Regular.otf: the kanji of JIS X 0213, JIS X 0212 and CP932, and some that stand
in family names only, which BIZ UDPGothic cannot draw. Needs fonttools.

    make_rare_kanji.py BIZUDPGothic-Regular.ttf BIZUDPGothic-Bold.ttf NotoSansCJK-Regular.ttc OUT.otf
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

NAMES_ONLY = "𠮷𣘺𡈽𠀋𡌛𡑮𠔿𠝏𡢽𥔎𧦅𨦇濵瀬邉㐂圡𡶶𢈘𣏌𣏾𨛗"
FAMILY = "Kakehashi Rare Kanji"
FILE = "KakehashiRareKanji-Regular"


def is_kanji(code):
    return 0x3400 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or code >= 0x20000


def in_charset(code, charset):
    try:
        chr(code).encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def main(regular, bold, source, out):
    drawn = set(TTFont(regular).getBestCmap()) & set(TTFont(bold).getBestCmap())
    font = TTFont(source, fontNumber=0)
    charsets = ("euc_jis_2004", "shift_jisx0213", "euc_jp", "cp932")
    wanted = {ord(c) for c in NAMES_ONLY}
    wanted |= {c for c in range(0x3400, 0x30000) if is_kanji(c) and any(in_charset(c, s) for s in charsets)}
    codes = sorted((wanted - drawn) & set(font.getBestCmap()))

    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "GPOS", "GSUB"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    names = {1: FAMILY, 16: FAMILY, 4: f"{FAMILY} Regular", 6: FILE, 3: f"{FILE};subset of Noto Sans CJK JP"}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    font["CFF "].cff.fontNames = [FILE]
    top = font["CFF "].cff.topDictIndex[0]
    top.FullName, top.FamilyName = f"{FAMILY} Regular", FAMILY
    font.save(out)
    print(f"{len(codes)} kanji")


if __name__ == "__main__":
    main(*sys.argv[1:])
