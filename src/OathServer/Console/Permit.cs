using OathServer.Access;

namespace OathServer.Pages;

/// <summary>A form is checked when it is sent, not only when it is shown.</summary>
internal static class Permit
{
    /// <exception cref="BadHttpRequestException">The rule does not let this person in; 403.</exception>
    public static void Require(HttpContext http, string rule)
    {
        if (!http.User.May(rule))
        {
            throw new BadHttpRequestException($"This takes the role {string.Join(" or ", Rules.RolesOf[rule].Where(r => r != Roles.RelyingParty))}.", StatusCodes.Status403Forbidden);
        }
    }
}
