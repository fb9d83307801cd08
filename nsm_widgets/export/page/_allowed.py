"""What may stand in a page of what a notebook wrote: elements, attributes, functions of CSS."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _words(
    """
a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup
dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins
kbd li main mark meter nav ol p pre progress q rp rt ruby s samp section small source span strike strong sub
summary sup table tbody td tfoot th thead time tr tt u ul var video wbr

svg circle clipPath defs ellipse feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix
feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR
feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile
feTurbulence filter g image line linearGradient marker mask path pattern polygon polyline radialGradient
rect stop switch symbol text textPath tspan use

math menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms
mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics
"""
)

GONE_WITH_CONTENT = _words(
    """
annotation annotation-xml applet desc embed iframe metadata noembed noframes noscript object option
plaintext script select style template textarea title xmp
"""
)
"""Elements of which not even the text stays."""

WITHOUT_ELEMENTS = _words("embed iframe noembed noframes noscript plaintext script style xmp")
"""Elements whose text is none of HTML."""

VOID = _words("area base br col embed hr img input link meta param source track wbr")
"""Elements that have no end, for they hold nothing."""

ATTRIBUTES = _words(
    """
align alt bgcolor border cellpadding cellspacing char charoff class color colspan compact controls datetime
dir face headers height high href hspace id lang loop low max min muted noshade nowrap open optimum reversed
role rowspan rules scope size span src start style summary tabindex target title type valign value vspace
width

alignment-baseline amplitude azimuth baseFrequency baseline-shift bias clip-path clip-rule clipPathUnits
color-interpolation color-interpolation-filters cx cy d diffuseConstant direction display dominant-baseline
dx dy edgeMode elevation exponent fill fill-opacity fill-rule filter filterUnits flood-color flood-opacity
font-family font-size font-stretch font-style font-variant font-weight fr fx fy gradientTransform
gradientUnits in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength lengthAdjust letter-spacing
lighting-color limitingConeAngle marker-end marker-mid marker-start markerHeight markerUnits markerWidth
mask maskContentUnits maskUnits mode numOctaves offset opacity operator order orient overflow paint-order
pathLength patternContentUnits patternTransform patternUnits points pointsAtX pointsAtY pointsAtZ
preserveAlpha preserveAspectRatio primitiveUnits r radius refX refY result rotate rx ry scale seed
shape-rendering slope specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles
stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
stroke-miterlimit stroke-opacity stroke-width surfaceScale tableValues targetX targetY text-anchor
text-decoration text-rendering textLength transform transform-origin unicode-bidi values vector-effect
version viewBox visibility word-spacing writing-mode x x1 x2 xChannelSelector y y1 y2 yChannelSelector z

accent accentunder columnalign columnlines columnspacing columnspan depth displaystyle fence form frame
framespacing largeop linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize
movablelimits notation rowalign rowlines rowspacing rspace scriptlevel separator stretchy symmetric voffset
"""
)

PAINT = _words(
    """
clip-path color fill filter flood-color lighting-color marker-end marker-mid marker-start mask stop-color
stroke
"""
)
"""Attributes of SVG whose values are CSS that may name a part of the page."""

REFERENCES = _words(
    """
aria-activedescendant aria-controls aria-describedby aria-details aria-errormessage aria-flowto
aria-labelledby aria-owns headers
"""
)
"""Attributes that hold ids."""

FUNCTIONS = _words(
    """
blur brightness calc circle clamp color color-mix conic-gradient contrast counter counters cubic-bezier
drop-shadow ellipse fit-content grayscale hsl hsla hue-rotate hwb inset invert lab lch light-dark
linear-gradient matrix matrix3d max min minmax oklab oklch opacity path perspective polygon radial-gradient
repeat repeating-conic-gradient repeating-linear-gradient repeating-radial-gradient rgb rgba rotate rotatex
rotatey rotatez saturate scale scalex scaley sepia skew skewx skewy steps translate translate3d translatex
translatey var
"""
)
"""Functions of CSS that fetch nothing."""
