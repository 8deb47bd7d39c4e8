"""The tables of the Standard Safeguarding Dataset that Sightline reads, and what their columns are called.

Source: the dataset's specification and the statements that create it, version 1.4, for SystemC and Mosaic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sightline.sources.columns import abuse_category, coded, words

Names = Mapping[str, tuple[str, ...]]
# What stands for no value; the last as SQL Server's tools export it.
NOTHING = ("-1", "PLACEHOLDER_DATA", "NULL")


@dataclass(frozen=True, slots=True)
class Extract:
    """One table of the dataset: the vocabulary table it fills, and what its columns are called.

    `columns` gives for each vocabulary column its names, the one we write first. `known` are the table's other
    columns. `lacking` are columns that some systems do not have, whose absence is no finding. `days` are the columns
    that may tell the day the file speaks of.
    """

    ssd: str
    prefix: str
    says: str
    table: str
    columns: Names
    known: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    through: tuple[str, str] | None = None  # the way to the child where the table does not name it
    made: Mapping[str, Callable[[str], str]] = field(default_factory=dict)  # SQL made of a cell

    @property
    def kind(self) -> str:
        return self.ssd.replace("_", "-")


def _ethnicity(x: str) -> str:
    return coded(x, words("ethnicity", "ethnicity"))


def _sex(x: str) -> str:
    return coded(x, words("sex", "sex"))


PERSON = Extract(
    "ssd_person",
    "pers_",
    "SSD: persons",
    "child",
    {
        "child_ref": ("pers_person_id",),
        "surname": ("pers_surname",),
        "forename": ("pers_forename",),
        "birth_date": ("pers_dob",),
        "expected_birth_date": ("pers_expected_dob",),
        "death_date": ("pers_death_date",),
        "sex": ("pers_sex", "pers_gender"),
        "ethnicity": ("pers_ethnicity",),
        "upn_unknown": ("pers_upn_unknown",),
    },
    known=("pers_gender", "pers_send_flag", "pers_is_mother", "pers_nationality"),
    made={"sex": _sex, "ethnicity": _ethnicity},
)
# Identifiers that stand in ssd_person, by kind.
PERSON_IDS: Names = {
    "person_id": ("pers_person_id",),
    "legacy_id": ("pers_legacy_id",),
    "upn": ("pers_upn",),
    "nhs_number": ("pers_single_unique_id", "pers_common_child_id"),
}
LINKED = Extract(
    "ssd_linked_identifiers",
    "link_",
    "SSD: other identifiers of persons",
    "identifier",
    {
        "ref": ("link_person_id",),
        "kind": ("link_identifier_type",),
        "value": ("link_identifier_value",),
        "valid_from": ("link_valid_from_date",),
        "valid_to": ("link_valid_to_date",),
    },
    known=("link_table_id",),
    days=("valid_from", "valid_to"),
)
ADDRESS = Extract(
    "ssd_address",
    "addr_",
    "SSD: addresses",
    "child",
    {"child_ref": ("addr_person_id",), "postcode": ("addr_address_postcode",)},
    known=(
        "addr_table_id",
        "addr_address_type",
        "addr_address_start_date",
        "addr_address_end_date",
        "addr_address_json",
    ),
)
FACTORS = Extract(
    "ssd_assessment_factors",
    "cinf_",
    "SSD: assessment factors",
    "assessment_factor",
    {"assessment_ref": ("cinf_assessment_id",), "factor": ("cinf_assessment_factors_json",)},
    known=("cinf_table_id",),
)
PLAIN = (
    Extract(
        "ssd_disability",
        "disa_",
        "SSD: disabilities",
        "disability",
        {"child_ref": ("disa_person_id",), "disability": ("disa_disability_code",)},
        known=("disa_table_id",),
    ),
    Extract(
        "ssd_cin_episodes",
        "cine_",
        "SSD: referrals and children in need episodes",
        "referral",
        {
            "referral_ref": ("cine_referral_id",),
            "child_ref": ("cine_person_id",),
            "referral_date": ("cine_referral_date",),
            "primary_need": ("cine_cin_primary_need_code",),
            "referral_source": ("cine_referral_source_code",),
            "no_further_action": ("cine_referral_nfa",),
            "closure_reason": ("cine_close_reason",),
            "closure_date": ("cine_close_date",),
            "team_ref": ("cine_referral_team",),
            "worker_ref": ("cine_referral_worker_id",),
        },
        known=("cine_referral_source_desc", "cine_referral_outcome_json"),
        days=("referral_date", "closure_date"),
    ),
    Extract(
        "ssd_cin_assessments",
        "cina_",
        "SSD: assessments",
        "assessment",
        {
            "assessment_ref": ("cina_assessment_id",),
            "child_ref": ("cina_person_id",),
            "referral_ref": ("cina_referral_id",),
            "start_date": ("cina_assessment_start_date",),
            "end_date": ("cina_assessment_auth_date",),
        },
        known=(
            "cina_assessment_child_seen",
            "cina_assessment_outcome_json",
            "cina_assessment_outcome_nfa",
            "cina_assessment_team",
            "cina_assessment_worker_id",
        ),
        days=("start_date", "end_date"),
    ),
    Extract(
        "ssd_cin_plans",
        "cinp_",
        "SSD: Child in Need plans",
        "cin_plan",
        {
            "plan_ref": ("cinp_cin_plan_id", "cin_plan_id"),
            "referral_ref": ("cinp_referral_id",),
            "child_ref": ("cinp_person_id",),
            "start_date": ("cinp_cin_plan_start_date",),
            "end_date": ("cinp_cin_plan_end_date",),
            "team_ref": ("cinp_cin_plan_team",),
            "worker_ref": ("cinp_cin_plan_worker_id",),
        },
        days=("start_date", "end_date"),
    ),
    Extract(
        "ssd_s47_enquiry",
        "s47e_",
        "SSD: section 47 enquiries",
        "section_47",
        {
            "enquiry_ref": ("s47e_s47_enquiry_id",),
            "referral_ref": ("s47e_referral_id",),
            "child_ref": ("s47e_person_id",),
            "start_date": ("s47e_s47_start_date",),
            "end_date": ("s47e_s47_end_date",),
        },
        known=(
            "s47e_s47_nfa",
            "s47e_s47_outcome_json",
            "s47e_s47_completed_by_team",
            "s47e_s47_completed_by_worker_id",
        ),
        days=("start_date", "end_date"),
    ),
    Extract(
        "ssd_initial_cp_conference",
        "icpc_",
        "SSD: initial child protection conferences",
        "section_47",
        {
            "enquiry_ref": ("icpc_s47_enquiry_id",),
            "referral_ref": ("icpc_referral_id",),
            "child_ref": ("icpc_person_id",),
            "conference_target": ("icpc_icpc_target_date",),
            "conference_date": ("icpc_icpc_date",),
        },
        known=(
            "icpc_icpc_id",
            "icpc_icpc_meeting_id",
            "icpc_cp_plan_id",
            "icpc_icpc_transfer_in",
            "icpc_icpc_outcome_cp_flag",
            "icpc_icpc_outcome_json",
            "icpc_icpc_team",
            "icpc_icpc_worker_id",
        ),
        days=("conference_date",),
    ),
    Extract(
        "ssd_cp_plans",
        "cppl_",
        "SSD: Child Protection plans",
        "cp_plan",
        {
            "plan_ref": ("cppl_cp_plan_id",),
            "referral_ref": ("cppl_referral_id",),
            "child_ref": ("cppl_person_id",),
            "start_date": ("cppl_cp_plan_start_date",),
            "end_date": ("cppl_cp_plan_end_date",),
            "other_authority": ("cppl_cp_plan_ola",),
            "initial_category": ("cppl_cp_plan_initial_category",),
            "latest_category": ("cppl_cp_plan_latest_category",),
        },
        known=("cppl_icpc_id",),
        lacking=("other_authority",),
        days=("start_date", "end_date"),
        made={"initial_category": abuse_category, "latest_category": abuse_category},
    ),
    Extract(
        "ssd_cp_reviews",
        "cppr_",
        "SSD: reviews of Child Protection plans",
        "cp_review",
        {
            "child_ref": ("cppr_person_id", "person_id"),
            "plan_ref": ("cppr_cp_plan_id",),
            "due_date": ("cppr_cp_review_due",),
            "review_date": ("cppr_cp_review_date",),
        },
        known=(
            "cppr_cp_review_id",
            "cppr_cp_review_meeting_id",
            "cppr_cp_review_outcome_continue_cp",
            "cppr_cp_review_quorate",
            "cppr_cp_review_participation",
            # The Mosaic statement also creates these, left over from the system's own table.
            "actual_date",
            "due_date",
            "previous_conference_date",
            "previous_conference_type",
            "previous_conference_workflow_step_id",
            "quorate",
            "registration_id",
            "review_outcome",
            "review_participation",
            "workflow_step_id",
        ),
        days=("review_date",),
        through=("cp-plan:", "plan_ref"),
    ),
    Extract(
        "ssd_involvements",
        "invo_",
        "SSD: involvements of professionals with children",
        "involvement",
        {
            "professional_ref": ("invo_professional_id",),
            "role": ("invo_professional_role_id",),
            "team_ref": ("invo_professional_team",),
            "child_ref": ("invo_person_id",),
            "start_date": ("invo_involvement_start_date",),
            "end_date": ("invo_involvement_end_date",),
            "change_reason": ("invo_worker_change_reason",),
            "referral_ref": ("invo_referral_id",),
        },
        known=("invo_involvements_id",),
        days=("start_date", "end_date"),
        through=("referral:", "referral_ref"),
    ),
    Extract(
        "ssd_professionals",
        "prof_",
        "SSD: professionals",
        "professional",
        {
            "professional_ref": ("prof_professional_id",),
            "name": ("prof_professional_name",),
            "registration": ("prof_social_worker_registration_no",),
            "job_title": ("prof_professional_job_title",),
            "team_ref": ("prof_professional_department",),
        },
        known=(
            "prof_staff_id",
            "prof_professional_caseload",
            "prof_full_time_equivalency",
            "prof_agency_worker_flag",
        ),
        lacking=("name",),
    ),
    Extract(
        "ssd_department",
        "dept_",
        "SSD: teams",
        "team",
        {
            "team_ref": ("dept_team_id",),
            "name": ("dept_team_name",),
            "parent_ref": ("dept_team_parent_id",),
            "parent_name": ("dept_team_parent_name",),
        },
    ),
    Extract(
        "ssd_cla_episodes",
        "clae_",
        "SSD: episodes of being looked after",
        "looked_after",
        {
            "referral_ref": ("clae_referral_id",),
            "child_ref": ("clae_person_id",),
            "start_date": ("clae_cla_episode_start_date",),
            "end_date": ("clae_cla_episode_ceased_date",),
        },
        known=(
            "clae_cla_episode_id",
            "clae_cla_id",
            "clae_cla_placement_id",
            "clae_cla_episode_start_reason",
            "clae_cla_episode_ceased_reason",
            "clae_cla_primary_need_code",
            "clae_cla_last_iro_contact_date",
            "clae_entered_care_date",
        ),
        days=("start_date", "end_date"),
    ),
)
EXTRACTS = (PERSON, LINKED, ADDRESS, FACTORS, *PLAIN)
