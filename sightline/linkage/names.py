"""First names that are written in several ways: short forms, and one name in the spellings of several languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

# A name, then what else it is written as. A short form may belong to several names. Names that merely begin alike (Sam
# and Samuel) need not stand here.
_WRITTEN = """
abdullah abdulla abdallah abdulah abdoulaye
abigail abi abby gail
abraham abe ibrahim ebrahim ibraheem brahim
adam adem
agnieszka aga agnes
ahmed ahmad ahmet achmed
aisha ayesha aysha aicha aishah ayisha aesha
albert al bert bertie
aleksandra alexandra oleksandra ola sasha sandra lexi lexie alex alix
alexander aleksander oleksandr aleksandr alexandre alessandro alejandro alasdair alistair alex sasha sandy xander zander
alfred alf alfie fred freddie freddy
ali aly
amelia millie milly amelie amy
amina aminah ameena aamina
andrew andy drew andrzej andriy andrii andrei andrey andreas andre
angela angie
ann anne anna annie nan ania anya hanna hannah nancy
anthony antony tony anton antonio
anastasia anastasiia anastasiya nastya stacey
arthur art artie artur
barbara babs barb basia
benjamin ben benji benny binyamin
bernard bernie
bilal bilaal
bridget biddy bridie
catherine katherine kathryn katharine kateryna katerina ekaterina katarzyna kathleen cathy kathy kate katie katy kitty
catherine kasia cat kat cate
charles charlie charley chuck carlos karol
charlotte lottie charlie charley lotte
christine christina kristina krystyna chris chrissie tina
christopher chris kit topher krzysztof kristof
daniel dan danny danyal daniyal
danielle dani daniela
david dave davey dawud daud dawood dawid
deborah debra deb debbie debby
dennis denis den denny
dmytro dmitry dmitri dima dimitri
dominic dom dominik dominique
donald don donnie
dorothy dot dottie dolly dora
edward ed eddie eddy ted teddy ned eduard edouard
eleanor elinor ellie nell nora lenore elena
elizabeth elisabeth elzbieta elspeth liz lizzie lizzy beth betty betsy bess eliza libby lisa elsie
emily em emmy millie emilia
emma em emmie
emmanuel emanuel manny immanuel
ewa eva eve
fatima fatimah fatema fathima fatma fatimata fatoumata
frances fran fanny frankie francesca
francis frank frankie fran francisco franciszek
frederick fred freddie freddy rick fryderyk
gabriel gabe gabi
gabrielle gabby gabi gaby gabriela
george georgie jorge jerzy yuri yurii heorhii giorgi
georgina georgia georgie gina
gerald gerry jerry gerard
gillian jill gill gilly
grzegorz gregory greg
halima haleema halimah
hamza hamzah
harold harry hal
hasan hassan hasen
helen helena nell nellie lena olena elena
henry harry hal hank henryk enrique
hugh hughie huw
hussain hussein husain husayn hossain hussien
isabella isabel isabelle isobel bella izzy izzie izabela belle ella
ivan john
ismail ismael ishmael ismaeel
jacob jake jakub yakub yaqub jack coby
jacqueline jackie jacqui
james jim jimmy jamie jem jacques
jan john
jane janie jenny
janet jan
jean jeannie
jennifer jen jenny jennie
jeremy jem jerry jez
jerome jerry
jessica jess jessie jesse
joanne joanna jo joan joanie asia
john jack johnny johnnie jon ian sean johan juan giovanni
jonathan jon jonny johnny jonathon nathan yonatan
joseph joe joey jo jozef josef jose yusuf yousef yousuf youssef yusef yosef
joshua josh
judith judy jude
julia yulia iuliia juliia julie giulia
juliet julie jules
kenneth ken kenny
khadija khadijah hadiza kadija khadeeja
kimberley kimberly kim
laura lauren laurie lori
lawrence laurence larry laurie loz lawrie
leonard leo len lenny
leo lev lew
louis lewis lou louie luis
louise lou louisa
lucas luke luca lukasz luka
lucy lucie luce lucia
madeleine madeline maddie maddy madelyn
malgorzata gosia margaret
margaret maggie meg peggy madge greta rita marge margot daisy peg margarita
maria mariia mariya marie mary marya
mariam maryam miriam maryem mariyam meryem marian
mark marc marek marko marcus markus
martha marty mattie marta
martin marty marcin
mary molly polly mamie
mateusz matthew matt matty mateo matteo
matilda tilly tilda mattie matylda
maxwell maximilian max maxim maksym maksim
melanie mel
melissa mel lissa missy
michael mike mick mickey mikey mitch michal mykhailo mikhail miguel michel mikolaj
mohammed muhammad mohamed mohammad mohamad muhammed mohamud mohd mehmet mahomed mo mamadou
musa moses moussa mousa
mustafa mustapha moustafa
natalie natalia nataliia nataliya nat natasha talia
nathaniel nathan nat nate
nicholas nicolas nick nicky nico nikolas mykola nikolai mikolaj klaus
nicola nicole nicky nikki nic
noor nur nour noora
oliver ollie olly olivier oli
olivia liv livvy
omar umar omer umer
osama usama
othman osman usman uthman ousmane
pamela pam
patricia pat patsy trish tricia patty
patrick pat paddy patryk
paul pawel pavlo pavel pablo
penelope penny
peter pete piotr petro pyotr pedro pierre
philip phillip phil pip
phoebe pheobe
rachel rachael rach raquel rahel
rahman rehman
raymond ray
rebecca rebekah becky becca bex beck
richard rick ricky dick rich richie
robert rob bob bobby robbie bert rab
roberta bobbie
roger rodge
ronald ron ronnie
rosemary rose rosie
samantha sam sammy
samira sameera
samuel sam sammy sami
sarah sara sally sadie
sebastian seb bas
shaun sean shawn
sidney sydney sid
solomon sulaiman suleiman sulayman suleyman sol
sophia sophie sofia sofiia sofiya zofia sophy
stephanie steph stefania stevie
stephen steven steve stevie stefan szczepan stepan
susan sue susie suzie suzanne zuzanna susanna
syed sayed said saeed sayyid saied
tahir taher
tamara tammy tam
teresa theresa tess terry tessa terri
terence terry terrence
theodore theo ted teddy fedir
thomas tom tommy tomasz tomas tam
timothy tim timmy tymoteusz
valerie val
veronica ronnie vera weronika
victor vic wiktor viktor
victoria vicky vicki tori vikki wiktoria viktoriia
vincent vince vinny
vladimir volodymyr vova
walter wally walt
william bill billy will willie liam wilhelm guillaume willy
wojciech wojtek
yasmin yasmine jasmin jasmine yasmeen
yahya yahia
yunus younis yunis younus jonas jonah
zachary zach zack zak zac zakariya zakaria zechariah
zahra zara zahara zehra
zaynab zainab zeinab zeynep zaineb
zoe zoey zoya
"""


@cache
def forms() -> Mapping[str, tuple[str, ...]]:
    """Every first name listed, in plain letters, and the names it is a form of (itself, where it heads a line)."""
    found: dict[str, set[str]] = {}
    for line in _WRITTEN.split("\n"):
        for name in line.split():
            found.setdefault(name, set()).add(line.split()[0])
    return {name: tuple(sorted(heads)) for name, heads in sorted(found.items())}
