"""Queries for policy topics, written by hand from the headlines of a first half of dates.

The topics are those of the Comparative Agendas codebook. The queries name words and people of the
late 1990s, as an issue file of that time would; nobody looked at the second half.
"""

from __future__ import annotations

from typing import Final

TOPICS: Final[dict[int, tuple[str, str]]] = {
    1: (
        "economy and budget",
        """
        ((budget* AND NOT (school OR schools OR pentagon OR military OR campaign))
        OR deficit* OR surplus* OR "tax cut*" OR "tax break*" OR "tax bill*" OR "taxes"
        OR "gas tax" OR taxation OR inflation OR unemployment OR "consumer confidence"
        OR "income gap" OR "interest rate*" OR "economic growth" OR "jobless rate"
        OR (economy NOT (russia* OR asia* OR japan* OR france OR mexico OR world))
        OR "federal reserve" OR greenspan OR recession OR "work force" OR "fiscal year")
        NOT (trade OR immigrant* OR welfare OR medicare OR hospital*)
        """,
    ),
    2: (
        "civil rights",
        """
        abortion* OR "affirmative action" OR naacp OR "n a a c p" OR discriminat* OR segregat*
        OR integration OR gay OR gays OR lesbian* OR "same sex"
        OR harassment NEAR/6 (court OR law)
        OR "sexually harassed" OR privacy OR "free speech" OR "first amendment"
        OR racial OR racism
        OR racist OR multiracial OR disabled OR disability OR disabilities OR minorities
        OR "dr king*" OR "martin luther king" OR slaveholder* OR "hate crime*"
        OR "gay rights" OR "civil rights" OR "voting rights" OR quotas
        """,
    ),
    3: (
        "health",
        """
        (health OR medicare OR medicaid OR h.m.o OR hmo OR hmos OR "managed care" OR hospital*
        OR doctor* OR physician* OR patient* OR tobacco OR smok* OR cigarette* OR aids OR hiv
        OR "h i v" OR cancer* OR "f d a" OR fda OR medical OR medicine* OR medication*
        OR vaccine* OR disease* OR cholesterol OR gene OR genes OR genetic* OR cloning
        OR "stem cell*" OR embryo* OR nurse* OR infant* OR "mental health" OR "mentally ill"
        OR epidemic OR infection* OR virus OR surgery OR transplant* OR "prescription drug*"
        OR "drug companies" OR "heart disease" OR diabetes OR obesity)
        NOT (computer* OR "e mail" OR "first aids" OR yeltsin OR film OR kosovo OR bombing*
        OR anthrax OR "germ attack*" OR "gulf war" OR "privacy" OR abortion*)
        """,
    ),
    5: (
        "labor and immigration",
        """
        (union OR unions OR "labor dispute" OR teamster* OR immigra* OR "illegal alien*"
        OR "minimum wage" OR wage OR wages OR workfare OR "green card*" OR deport* OR migrant*
        OR "undocumented" OR "signing bonus*" OR "child labor" OR "worker strike"
        OR ((strike OR walkout) NEAR/8 (worker* OR ups OR u.p.s OR union OR talks))
        OR (workers NOT (health OR aid OR relief OR federal)) OR "job growth" OR "unskilled"
        OR "au pair*" OR pension* OR "whistle blower*")
        NOT ("european union" OR "soviet union" OR "credit union*" OR "state of the union"
        OR "air strike*" OR airline* OR baseball OR "players union")
        """,
    ),
    6: (
        "education",
        """
        (school OR schools OR teacher* OR student* OR college* OR universit* OR education*
        OR classroom* OR tuition OR "social promotion" OR columbine OR littleton OR campus*
        OR kindergarten* OR pupils OR curriculum OR cuny OR "standardized test*" OR graders
        OR literacy OR chancellor OR voucher* OR principal)
        NOT (basketball OR football OR ncaa OR kohl OR german* OR schroder OR segregat*
        OR integration OR slaveholder* OR indonesia* OR china OR chinese OR iran* OR flight
        OR "electoral college")
        """,
    ),
    7: (
        "environment",
        """
        pollut* OR environment* OR "clean water" OR "clean air" OR "air quality" OR logging
        OR wetland* OR "global warming" OR "greenhouse gas*" OR wildlife OR endangered OR whale*
        OR "open space*" OR forest NEAR/5 (preserv* OR protect*) OR reservoir* OR recycl*
        OR conservation* OR "toxic waste" OR pesticide* OR emission* OR "hudson river"
        OR species
        OR asbestos OR pcb* OR superfund OR ozone OR ecolog*
        """,
    ),
    10: (
        "transportation",
        """
        (airline* OR airport* OR "f a a" OR faa OR "flight 800" OR "t w a" OR twa OR amtrak
        OR train OR trains OR subway* OR railroad* OR highway* OR "air traffic" OR taxi*
        OR ((jet OR plane OR airliner) NEAR/6 (crash* OR feared OR down)) OR "plane crash*"
        OR "big dig" OR tunnel OR minivan* OR "mini van*" OR "sport utility" OR valujet
        OR swissair OR ferry OR "air bag*" OR drawbridge
        OR metrocard OR commuter*)
        NOT (hijack* OR terror* OR "world trade" OR taliban OR kosovo OR pricing OR murder*
        OR killed NEAR/3 clerk OR hacker*)
        """,
    ),
    12: (
        "law and crime",
        """
        (murder* OR police OR crime* OR criminal* OR prison* OR inmate* OR jail*
        OR "death penalty"
        OR execution* OR gun OR guns OR "drug traffick*" OR "drug suppl*" OR "antidrug"
        OR "anti drug" OR narcotic* OR "war on drugs" OR "drug sting" OR parole
        OR "sex offender*"
        OR "sexual offender*" OR "megan*" OR robber* OR rape OR rapist OR slain OR slaying
        OR simpson OR louima OR diallo OR cunanan OR unabom* OR gunman OR shooting* OR convict*
        OR "child abuse" OR "foster care" OR "child welfare" OR "f b i" OR fbi OR juvenile*
        OR "organized crime" OR mafia OR "drug use" OR killer* OR manslaughter OR firefighter*
        OR brawley OR cult OR kidnap*)
        NOT (littleton OR columbine OR kosovo OR serb* OR bosnia* OR israel* OR nazi* OR spy*
        OR spies OR spying OR "c i a" OR cia OR terroris* OR "oklahoma city" OR "war crime*"
        OR iraq* OR china OR chinese OR clinton NEAR/8 (lewinsky OR impeach*) OR whitewater
        OR "fund raising" OR embassy OR ulster OR ireland OR school OR flight OR immigrant*
        OR gay OR racial OR byrd OR abortion* OR microsoft OR fraud)
        """,
    ),
    13: (
        "social welfare",
        """
        (welfare NOT (corporate OR "child welfare" OR immigrant*)) OR "food stamp*"
        OR "social security"
        OR "poverty" OR "hard core jobless" OR homeless* OR "working poor" OR "elderly aid"
        OR charit* OR "the needy"
        """,
    ),
    14: (
        "housing and cities",
        """
        housing OR rent OR rents OR tenant* OR landlord* OR "real estate" OR mortgage* OR evict*
        OR "development zone" OR "public housing" OR (apartment* NOT strike) OR "urban renewal"
        OR armory OR "home owner*" OR homeowner*
        """,
    ),
    15: (
        "business and finance",
        """
        (stock OR stocks OR dow OR "wall street" OR nasdaq OR merger* OR merge OR antitrust
        OR microsoft OR bankruptcy OR bank OR banks OR banking OR investor* OR investment*
        OR "mutual fund*" OR "hedge fund*" OR casino* OR gambling OR profits OR layoff*
        OR "lay off" OR takeover OR acquire* OR acquisition* OR corporate OR insurer*
        OR insurance
        OR "price fixing" OR copyright* OR accounting OR "credit card*" OR shareholder*
        OR "at t" OR intel OR executives OR lender* OR ((company OR companies
        OR corporation) AND
        (deal OR buy* OR bid OR sold OR merge*)))
        NOT (health OR hospital* OR tobacco OR "west bank" OR "world bank" OR china OR chinese
        OR russia* OR japan* OR yankees OR robber* OR swiss OR nazi* OR medicare OR campaign
        OR "blood bank" OR korea* OR teamster* OR satellite*)
        """,
    ),
    16: (
        "defense",
        """
        (military OR pentagon OR nato OR army OR navy OR marines OR "air force"
        OR troops OR missile*
        OR "c i a" OR cia OR spy OR spies OR spying OR espionage OR "arms control" OR nuclear
        OR "atomic weapon*" OR "chemical arms" OR "chemical weapon*" OR "biological weapon*"
        OR "germ attack*" OR "gulf war" OR veteran* OR "oklahoma city" OR nichols OR mcveigh
        OR "bombing trial" OR "bombing plot" OR "arms inspect*" OR "weapons inspect*"
        OR militia*
        OR "air strike*" OR bomb OR bomber OR "armed forces" OR "olympic bombing"
        OR "iraq crisis" OR "standoff with iraq" OR (kosovo AND (nato OR bomb* OR us
        OR american*))
        OR "conflict in the balkans" OR saddam OR terroris* OR intelligence)
        NOT (embassy OR embassies OR russian* NEAR/3 economy OR israel* OR palestin*
        OR ulster OR ireland
        OR chechn* OR kashmir OR "artificial intelligence" OR simpson OR tamil
        OR algeria* OR lebanon
        OR brookhaven OR impeach*)
        """,
    ),
    17: (
        "science, technology, media",
        """
        (internet OR "on line" OR online OR "e mail" OR "web site*" OR computer*
        OR software OR hacker*
        OR satellite* OR "space shuttle" OR shuttle OR hubble OR astronaut* OR astronom* OR nasa
        OR mars OR planet* OR comet* OR telescope* OR galaxy OR "milky way" OR archaeolog*
        OR archeolog* OR television OR tv OR "t v" OR cable OR "area code*" OR telephone*
        OR phone* OR newspaper* OR journalis* OR columnist* OR "space station" OR spacecraft
        OR orbit* OR fossil* OR universe OR abc OR nbc OR cbs)
        NOT (microsoft OR merger* OR antitrust OR privacy OR school* OR campaign OR subpoena*
        OR debate* OR "telephone giant" OR impeach*)
        """,
    ),
    19: (
        "international affairs",
        """
        (israel* OR palestin* OR arafat OR netanyahu OR mideast OR "middle east"
        OR russia* OR yeltsin
        OR moscow OR kremlin OR chechn* OR serb* OR bosnia* OR milosevic OR belgrade
        OR sarajevo OR croatia* OR albania* OR china OR chinese OR beijing
        OR "hong kong" OR taiwan*
        OR japan* OR tokyo OR korea* OR indonesia* OR suharto OR cambodia* OR vietnam* OR india
        OR indian OR pakistan* OR kashmir OR afghan* OR iran OR iranian* OR saudi*
        OR egypt* OR algeria*
        OR zaire* OR congo OR kabila OR rwanda* OR nigeria* OR africa* OR kenya*
        OR nairobi OR mexico
        OR mexican* OR zedillo OR cuba* OR castro OR haiti* OR colombia* OR peru*
        OR brazil* OR chile*
        OR pinochet OR argentin* OR britain OR british OR blair OR london OR ulster
        OR ireland OR irish
        OR france OR french OR german* OR kohl OR italy OR italian OR euro OR europe*
        OR turkey OR turkish
        OR kurd* OR lebanon OR syria* OR jordan* OR pope OR vatican OR "u n" OR "united nations"
        OR embassy OR embassies OR "i m f" OR nazi* OR holocaust OR diana OR canada OR canadian*
        OR uganda* OR somalia* OR ethiopia* OR poland OR polish OR ukraine
        OR "bin laden" OR balkans
        OR kosovo OR hussein OR iraq* OR baghdad)
        NOT (pentagon OR nato OR missile* OR cia OR "c i a" OR spy OR spies OR spying
        OR espionage
        OR "air force" OR inspect* OR "standoff with iraq" OR narcotic* OR "drug*"
        OR "campaign finance" OR "fund raising" OR contribution* OR "michael jordan"
        OR basketball
        OR baseball OR olympic* OR immigra* OR "trade deficit" OR satellite* OR tribe* OR soccer
        OR tennis OR zoo OR flight OR dow OR stock OR stocks)
        """,
    ),
    20: (
        "government and politics",
        """
        (lewinsky OR impeach* OR "campaign" OR "campaigns" OR dole OR perot OR gingrich
        OR whitewater
        OR starr OR "paula jones" OR "fund raising" OR fundraising OR "under fire"
        OR "testing of a president" OR politics OR election* OR candidate* OR primary
        OR primaries
        OR republican* OR democrat* OR democratic OR nominee* OR nomination* OR senator*
        OR congressional
        OR ethics OR census OR "i r s" OR irs OR reno OR "white house" OR convention
        OR ballot* OR vote
        OR voters OR governor OR giuliani NEAR/5 senate OR "hillary" OR gore OR bush OR mccain
        OR bradley OR nader OR lobby* OR lott OR daschle OR legislators OR "special prosecutor"
        OR "independent counsel" OR "president under fire" OR "supreme court nominee*")
        NOT (israel* OR russia* OR yeltsin OR serb* OR bosnia* OR kosovo OR france
        OR british OR blair OR mexico
        OR mexican OR iran OR india OR indonesia* OR german* OR iraq* OR japan*
        OR abortion* OR tobacco
        OR "minimum wage" OR welfare OR medicare OR health NEAR/4 bill OR rent OR school*
        OR budget* OR "tax cut*" OR taxes OR immigra* OR police OR terror* OR missile*
        OR africa* OR canada OR korea* OR palestin* OR ulster OR hospital* OR cancer)
        """,
    ),
    29: (
        "sports",
        """
        (baseball OR basketball OR football OR hockey OR tennis OR golf OR soccer
        OR olympic* OR yankee* OR yanks
        OR mets OR knicks OR "n b a" OR nba OR "n h l" OR "n f l" OR nfl OR ncaa
        OR "world series"
        OR "super bowl" OR superbowl OR playoff* OR "stanley cup" OR wimbledon OR boxing
        OR marathon
        OR "home run*" OR stadium OR steinbrenner OR "sugar bowl" OR champions
        OR skating OR coach*
        OR nets OR giants OR jets NEAR/5 (game OR season) OR rangers OR devils OR league
        OR jockey OR derby
        OR "world cup" OR mcgwire OR sosa OR "michael jordan" OR finals)
        NOT (bomb* OR terror* OR "olympic park")
        """,
    ),
}
