using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using OathServer.Access;

namespace OathServer.Pages.SelfService;

/// <summary>The ways into and out of the pages of people who hold keys. Where self-service is off, they are not there.</summary>
internal static class HolderPages
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var open = routes.MapGroup("/my").AllowAnonymous().ExcludeFromDescription();
        open.MapGet("/sign-in", SignIn);
        open.MapPost("/sign-out", SignOut);
    }

    private static IResult SignIn(IConfiguration configuration) => HolderSignIn.IsEnabled(configuration)
        ? TypedResults.Challenge(new AuthenticationProperties { RedirectUri = "/my" }, [HolderSignIn.OpenIdScheme])
        : TypedResults.Problem("Self-service is switched off here.", statusCode: StatusCodes.Status404NotFound);

    private static async Task<RedirectHttpResult> SignOut([FromForm] string? back, HttpContext http)
    {
        await http.SignOutAsync(HolderSignIn.SchemeName);
        http.Response.Headers["Clear-Site-Data"] = "\"cache\", \"storage\"";
        return TypedResults.LocalRedirect(back is "/my" ? back : "/my/refused?out=yes");
    }
}
