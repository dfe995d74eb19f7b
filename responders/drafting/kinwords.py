"""Words that do not show which event a report tells of; :mod:`responders.drafting.kin`."""

from __future__ import annotations

from typing import Final

__all__ = ["ANY_DAY", "SMALL", "STATES"]

# Words of any day's news, in the form in which they are compared (folded, without accents).
ANY_DAY: Final = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december morning afternoon evening night today
    tonight yesterday tomorrow week weeks weekend month months year years day days hour hours
    minute minutes daily weekly annual next last first second third early late later earlier
    recent ago spring summer fall autumn winter

    court courts supreme appeals appeal judge judges justice justices jury ruling rulings ruled
    rules rule case cases lawsuit lawsuits suit sue sued sues suing attorney attorneys lawyer
    lawyers prosecutor prosecutors legal illegal trial charge charged charges general federal
    state states statewide national nation nationwide local city cities town county counties
    district country government governor gov mayor senate senator senators sen house
    representative rep congress congressional legislature legislative lawmaker lawmakers
    legislator legislators commission commissioner commissioners council councils board boards
    committee panel agency agencies department departments office offices official officials
    officer officers police administration president presidential secretary director leader
    leaders chief member members party republican republicans democrat democrats democratic gop
    political politics bill bills law laws legislation measure measures amendment constitution
    constitutional ordinance act proposal proposals proposed proposes propose propos plan plans
    planned policy policies regulation regulations order orders ordered vote votes voted voting
    voter voters ballot election elections candidate candidates pass passes passed passing
    approve approves approved approval reject rejects rejected block blocks blocked sign signs
    signed veto overturn uphold upholds upheld strike strikes ban bans banned bar bars limit
    limits end ends ended ending stop stops halt halts delay delays start starts begin begins
    began beginning effect open opens opened close closes closed closing rights right freedom
    protect protects protection protections issue issues issued decision decisions decide
    decides decided require requires required requirement allow allows allowed keep keeps kept
    let lets face faces facing

    said say says saying told tell tells according report reports reported reporting statement
    announce announced announces announcement spokesman spokeswoman spokesperson study finds
    find found show shows showed data records record news story interview comment comments call
    calls called ask asks asked asking want wants wanted need needs needed expect expects
    expected would could should will can might must shall been being have has had having does
    did done make makes made making take takes took taken taking give gives gave given get gets
    got getting come comes came coming goes going went gone put puts set sets move moves moved
    moving work works worked working use uses used using help helps helped helping seek seeks
    sought try tries tried add adds added bring brings brought leave leaves left hold holds held
    run runs running turn turns turned look looks become becomes became include includes
    including included remain remains continue continues follow follows following lead leads led
    leading win wins won lose loses lost pay pays paid cut cuts raise raises raised lower rise
    rises rose falls fell increase increases increased drop drops dropped build builds built
    grow grows grew change changes changed push pushes pushed fight fights back down over under
    into onto from with without within against after before during since until while about above
    below between among across through around near where when which what who whose whom why how
    that this these those then than there here their theirs they them his her hers him she its
    our ours your yours and the for but not nor yet also only even just still again more most
    much many some any all every each both few less least other others another such same own
    very too now once because though although despite amid ahead out off per via like one two
    three four five six seven eight nine dozens hundred hundreds thousand thousands million
    millions billion billions percent half part parts number numbers total amount time times
    group groups people person persons man men woman women child children family families
    resident residents community communities public private company companies business
    businesses industry firm firms owner owners employer employers money fund funds funding
    budget cost costs price prices dollar dollars tax taxes program programs service services
    system center project projects area areas region site sites place places home homes building
    buildings street road water land new old big large small long short high low good bad best
    great major key main full free young older nearly almost away ever never always often
    several together american americans united america washington north south east west northern
    southern eastern western york

    que was are para como este esta los las del por con una estos estas ese esa esos esas segun
    sin sobre entre desde hasta durante antes despues tras pero mas menos muy tambien solo cada
    todo todos toda todas otro otra otros otras uno unos unas dos tres cuatro cinco seis siete
    ocho nueve diez cien mil millon millones ciento lunes martes miercoles jueves viernes sabado
    domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
    diciembre hoy ayer manana semana semanas mes meses ano anos dia dias hora horas ley leyes
    juez jueza jueces corte cortes tribunal estado estados condado ciudad gobierno gobernador
    gobernadora alcalde alcaldesa senado camara congreso concejo consejo junta policia oficial
    oficiales autoridades dijo dice dijeron dicen informo orden ordena ordeno aprueba aprobo
    rechaza bloquea frena familias familia personas gente residentes vecinos ninos nino hombre
    mujer hombres mujeres nuevo nueva nuevos nuevas gran grande grandes primer primera ultimo
    ultima fue ser son era han hay estan tiene tienen tendran puede pueden podria hacer hace
    hizo les sus muchos muchas
    """.split()  # noqa: SIM905 - a list of 700 strings is not readable
)

# The small words of a headline.
SMALL: Final = frozenset(
    """
    after before from with without into onto over under that this than then they their them will
    would could should have been were when where which while what about against amid until says
    said more most also the and for its his her was are has had not but out off all new may can
    who how why now one two para como este esta los las del por con una que entre desde hasta
    sobre tras segun
    """.split()  # noqa: SIM905 - a list of words is not readable otherwise
)
# The states and territories, in the form in which they are compared.
STATES: Final = (
    "alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut",
    "delaware", "florida", "georgia", "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas",
    "kentucky", "louisiana", "maine", "maryland", "massachusetts", "michigan", "minnesota",
    "mississippi", "missouri", "montana", "nebraska", "nevada", "new hampshire", "new jersey",
    "new mexico", "new york", "north carolina", "north dakota", "ohio", "oklahoma", "oregon",
    "pennsylvania", "puerto rico", "rhode island", "south carolina", "south dakota", "tennessee",
    "texas", "utah", "vermont", "virginia", "washington", "west virginia", "wisconsin", "wyoming",
)  # fmt: skip
